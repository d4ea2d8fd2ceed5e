#include "store/postgres/batch_plan.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

#include "store/outbox_events.hpp"

namespace carillon::store::postgres {
namespace {

// Versions are signed in the database.
constexpr base::Version kVersionMax = std::numeric_limits<std::int64_t>::max();

contracts::Notification notification_of(const NewNotification& wanted, base::Version version) {
    contracts::Notification row;
    row.id = wanted.id;
    row.user_id = wanted.user_id;
    row.type = wanted.type;
    row.title = wanted.title;
    row.body = wanted.body;
    row.data_json = wanted.data_json;
    row.created_at = wanted.created_at;
    row.version = version;
    return row;
}

}  // namespace

BatchPlan::BatchPlan(const std::vector<Mutation>& batch) : batch_{batch} {
    for (const auto& mutation : batch) {
        auto& makes_row = users_[mutation.user];
        if (const auto* create = std::get_if<CreateWork>(&mutation.work)) {
            makes_row = true;
            created_ids_.insert(create->wanted.id);
            if (create->wanted.consumed_key) consumed_keys_.insert(*create->wanted.consumed_key);
        } else if (const auto* mark = std::get_if<MarkReadWork>(&mutation.work)) {
            marked_ids_.insert(mark->id);
        } else if (const auto* read_all = std::get_if<ReadAllWork>(&mutation.work)) {
            counted_.emplace(mutation.user, std::min(read_all->before.value_or(kVersionMax), kVersionMax));
        }
    }
    read_alls_.reserve(counted_.size());  // entries point into it
}

void BatchPlan::found_user(base::UserId user, const UserState& state) {
    entries_[user].state = state;
}

void BatchPlan::decide() {
    for (const auto& mutation : batch_) {
        answers_.push_back(
            std::visit([this, &mutation](const auto& work) { return apply(mutation.user, work); }, mutation.work));
    }
}

Answer BatchPlan::apply(base::UserId user, const CreateWork& work) {
    const NewNotification& wanted = work.wanted;
    const auto& key = wanted.consumed_key;
    if (taken_ids_.contains(wanted.id) || created_.contains(wanted.id)) return make_error_code(errc::already_applied);
    if (key && (taken_keys_.contains(*key) || consumed_.contains(*key))) return make_error_code(errc::already_applied);
    UserEntry& entry = entries_[user];
    Created created;
    created.state = advance(entry, entry.state.inbox.unread + 1);
    created.notification = notification_of(wanted, created.state.version);
    created_.emplace(wanted.id, CreatedRow{&wanted, created.state.version, created.state.version, std::nullopt});
    if (key) consumed_.emplace(*key, wanted.created_at);
    add_event(user, created_event(work.event_id, created, wanted.traceparent));
    return created;
}

Answer BatchPlan::apply(base::UserId user, const MarkReadWork& work) {
    UserEntry& entry = entries_[user];
    MarkedRead read;
    read.id = work.id;
    read.read_at = work.now;
    read.state = entry.state.inbox;
    const auto fresh = created_.find(work.id);
    if (fresh != created_.end()) {
        CreatedRow& row = fresh->second;
        if (row.wanted->user_id != user) return make_error_code(errc::not_found);
        read.changed = !row.read_at;
        if (!read.changed) {
            read.read_at = *row.read_at;
            return read;
        }
        read.state = advance(entry, entry.state.inbox.unread - 1);
        row.read_at = work.now;
        row.version = read.state.version;
    } else {
        const auto found = stored_.find(work.id);
        if (found == stored_.end() || found->second.user != user) return make_error_code(errc::not_found);
        StoredRow& row = found->second;
        if (!row.read_at && entry.read_all != nullptr && row.unread_version <= entry.read_all->watermark) {
            row.read_at = entry.read_all->read_at;
        }
        read.changed = !row.read_at;
        if (!read.changed) {
            read.read_at = *row.read_at;
            return read;
        }
        read.state = advance(entry, entry.state.inbox.unread - 1);
        row.read_at = work.now;
        marked_.push_back({work.id, work.now, read.state.version});
    }
    add_event(user, read_event(work.event_id, user, read, work.traceparent));
    return read;
}

Answer BatchPlan::apply(base::UserId user, const ReadAllWork& work) {
    UserEntry& entry = entries_[user];
    assert(!entry.changed);
    ReadAll result;
    result.state = entry.state.inbox;
    const auto counted = unread_rows_.find(user);
    if (counted == unread_rows_.end() || counted->second.counted == 0) return result;
    result.updated = counted->second.counted;
    result.state = advance(entry, counted->second.total - counted->second.counted);
    const base::Version watermark = std::min(work.before.value_or(kVersionMax), result.state.version - 1);
    entry.state.read_all_before = watermark;
    entry.state.read_all_version = result.state.version;
    entry.read_all = &read_alls_.emplace_back(ReadAllRows{user, watermark, work.now});
    add_event(user, read_all_event(work.event_id, user, result.state, work.now, work.traceparent));
    return result;
}

// The user's next version, with this count.
InboxState BatchPlan::advance(UserEntry& entry, std::uint64_t unread) const {
    entry.changed = true;
    entry.state.inbox = {unread, entry.state.inbox.version + 1};
    return entry.state.inbox;
}

void BatchPlan::add_event(base::UserId user, OutboxEvent event) {
    events_.push_back(std::move(event));
    event_users_.push_back(user);
}

std::vector<std::pair<base::UserId, UserState>> BatchPlan::states() const {
    std::vector<std::pair<base::UserId, UserState>> changed;
    for (const auto& [user, makes_row] : users_) {
        const auto entry = entries_.find(user);
        if (entry != entries_.end() && entry->second.changed) changed.emplace_back(user, entry->second.state);
    }
    return changed;
}

}  // namespace carillon::store::postgres
