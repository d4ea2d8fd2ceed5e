#include "store/postgres/batch_plan.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

#include "base/log.hpp"
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

// What stands for a key among the server's advisory locks. Two keys with the same one exclude each other, no more.
std::int64_t lock_of(const base::Digest& key) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8U | key[i];
    return static_cast<std::int64_t>(number);
}

// The first answer to work of another kind: a key names its route, so that was another request.
Answer replay(const Work& work, const std::string& text) {
    const auto first = decode_first_answer(text);
    if (!first) {
        base::log_error("an answer kept for an idempotency key cannot be read");
        return make_error_code(errc::unavailable);
    }
    const auto* created = std::get_if<CreatedIds>(&*first);
    if (created != nullptr && std::holds_alternative<CreateOnceWork>(work)) return *created;
    const auto* read = std::get_if<MarkedRead>(&*first);
    if (read != nullptr && std::holds_alternative<MarkReadWork>(work)) return *read;
    const auto* read_all = std::get_if<ReadAll>(&*first);
    if (read_all != nullptr && std::holds_alternative<ReadAllWork>(work)) return *read_all;
    const bool nothing = std::holds_alternative<NothingFound>(*first) && std::holds_alternative<MarkReadWork>(work);
    return make_error_code(nothing ? errc::not_found_before : errc::key_reused);
}

std::optional<FirstAnswer> to_be_kept(const Answer& answer) {
    if (const auto* read = std::get_if<MarkedRead>(&answer)) return *read;
    if (const auto* read_all = std::get_if<ReadAll>(&answer)) return *read_all;
    if (const auto* created = std::get_if<CreatedOnce>(&answer)) {
        CreatedIds ids;
        for (const auto& item : created->items) ids.ids.push_back(item->id);
        return ids;
    }
    const auto* error = std::get_if<base::ErrorCode>(&answer);
    if (error != nullptr && *error == errc::not_found) return NothingFound{};
    return std::nullopt;
}

}  // namespace

BatchPlan::BatchPlan(const std::vector<Mutation>& batch) : batch_{batch} {
    for (const auto& mutation : batch) {
        if (mutation.claim) {
            claim_locks_.insert(lock_of(mutation.claim->key));
            claimed_keys_.insert(mutation.claim->key);
        }
        auto& makes_row = users_[mutation.user];
        if (const auto* create = std::get_if<CreateWork>(&mutation.work)) {
            makes_row = true;
            need(mutation.user, create->wanted);
        } else if (const auto* mark = std::get_if<MarkReadWork>(&mutation.work)) {
            marked_ids_.insert(mark->id);
        } else if (const auto* read_all = std::get_if<ReadAllWork>(&mutation.work)) {
            counted_.emplace(mutation.user, std::min(read_all->before.value_or(kVersionMax), kVersionMax));
        } else if (const auto* unit = std::get_if<CreateOnceWork>(&mutation.work)) {
            for (const auto& wanted : unit->batch) need(wanted.user_id, wanted);
        }
    }
    read_alls_.reserve(counted_.size());  // entries point into it
}

void BatchPlan::need(base::UserId user, const NewNotification& wanted) {
    users_[user] = true;
    created_ids_.insert(wanted.id);
    if (wanted.consumed_key) consumed_keys_.insert(*wanted.consumed_key);
}

void BatchPlan::found_user(base::UserId user, const UserState& state) {
    entries_[user].state = state;
}

void BatchPlan::decide() {
    for (const auto& mutation : batch_) answers_.push_back(decide(mutation));
}

// Whatever is decided under a claim is kept, but for errors that leave the caller where he was.
Answer BatchPlan::decide(const Mutation& mutation) {
    if (!mutation.claim) return apply(mutation);
    const IdempotencyClaim& claim = *mutation.claim;
    if (!granted_.contains(lock_of(claim.key)) || kept_.contains(claim.key)) return make_error_code(errc::in_flight);
    const auto before = kept_before_.find(claim.key);
    if (before != kept_before_.end() && before->second.created_at > claim.now - kIdempotencyLifetime) {
        if (before->second.request != claim.request) return make_error_code(errc::key_reused);
        return replay(mutation.work, before->second.text);
    }
    Answer answer = apply(mutation);
    if (auto kept = to_be_kept(answer)) kept_.emplace(claim.key, KeptRow{&claim, encode_first_answer(*kept)});
    return answer;
}

Answer BatchPlan::apply(const Mutation& mutation) {
    return std::visit([this, &mutation](const auto& work) { return apply(mutation.user, work); }, mutation.work);
}

bool BatchPlan::is_known(const NewNotification& wanted) const {
    const auto& key = wanted.consumed_key;
    return taken_ids_.contains(wanted.id) || created_.contains(wanted.id) ||
           (key && (taken_keys_.contains(*key) || consumed_.contains(*key)));
}

Created BatchPlan::create(const NewNotification& wanted, base::EventId event_id) {
    UserEntry& entry = entries_[wanted.user_id];
    Created created;
    created.state = advance(entry, entry.state.inbox.unread + 1);
    created.notification = notification_of(wanted, created.state.version);
    created_.emplace(wanted.id, CreatedRow{&wanted, created.state.version, created.state.version, std::nullopt});
    if (wanted.consumed_key) consumed_.emplace(*wanted.consumed_key, wanted.created_at);
    add_event(wanted.user_id, created_event(event_id, created, wanted.traceparent));
    return created;
}

Answer BatchPlan::apply(base::UserId, const CreateWork& work) {
    if (is_known(work.wanted)) return make_error_code(errc::already_applied);
    return create(work.wanted, work.event_id);
}

Answer BatchPlan::apply(base::UserId, const CreateOnceWork& work) {
    std::set<base::NotificationId> ids;
    for (const auto& wanted : work.batch) {
        if (is_known(wanted) || !ids.insert(wanted.id).second) return make_error_code(errc::already_applied);
    }
    CreatedOnce created;
    for (std::size_t i = 0; i < work.batch.size(); ++i) {
        created.items.emplace_back(create(work.batch[i], work.event_ids[i]).notification);
    }
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
    add_event(user, read_all_event(work.event_id, user, result.state, watermark, work.now, work.traceparent));
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
