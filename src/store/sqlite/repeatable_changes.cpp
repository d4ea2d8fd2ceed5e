#include "store/sqlite/repeatable_changes.hpp"

#include <unordered_set>
#include <utility>

#include "store/sqlite/idempotency_claims.hpp"
#include "store/sqlite/notification_changes.hpp"
#include "store/sqlite/notification_rows.hpp"
#include "store/sqlite/statements.hpp"

namespace carillon::store {
namespace {

base::Result<CreatedOnce> as_first_created(SqliteConnection& connection, const CreatedIds& created) {
    CreatedOnce again;
    again.replayed = true;
    again.items.reserve(created.ids.size());
    for (const auto& id : created.ids) {
        SqliteQuery row{connection, sql::kCreated, id};
        if (row.next()) {
            again.items.emplace_back(notification_of(row));
        } else {
            again.items.emplace_back(errc::not_found);
        }
    }
    return again;
}

// The answer to another kind of call: a key names its route, so that was another request.
template <class T>
base::Result<T> as_first_answered(const FirstAnswer& answer) {
    if (const auto* first = std::get_if<T>(&answer)) return *first;
    return std::holds_alternative<NothingFound>(answer) ? errc::not_found_before : errc::key_reused;
}

bool any_known(SqliteConnection& connection, const std::vector<NewNotification>& batch) {
    std::unordered_set<base::NotificationId> ids;
    for (const auto& wanted : batch) {
        if (!ids.insert(wanted.id).second) return true;
        SqliteQuery row{connection, sql::kKnown, wanted.id};
        if (row.next()) return true;
    }
    return false;
}

}  // namespace

base::Result<CreatedOnce> create_once(WriteTransaction& transaction, const std::vector<NewNotification>& batch,
                                      const std::vector<base::EventId>& event_ids, const IdempotencyClaim& claim) {
    auto& connection = transaction.connection();
    const auto first = find_first_answer(connection, claim);
    if (!first) return first.error();
    if (*first) {
        const auto* created = std::get_if<CreatedIds>(&**first);
        if (created == nullptr) return errc::key_reused;
        return as_first_created(connection, *created);
    }
    if (any_known(connection, batch)) return errc::already_applied;
    CreatedOnce created;
    CreatedIds ids;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        auto one = create_notification(transaction, batch[i], event_ids[i]);
        // Only when the connection has failed: then the writer takes everything back.
        if (!one) return one.error();
        ids.ids.push_back(batch[i].id);
        created.items.emplace_back(std::move(one->notification));
    }
    keep_first_answer(connection, claim, std::move(ids));
    return created;
}

base::Result<MarkedRead> mark_read_once(WriteTransaction& transaction, base::UserId user, base::NotificationId id,
                                        base::TimePoint now, const std::string& traceparent,
                                        const IdempotencyClaim& claim) {
    auto& connection = transaction.connection();
    const auto first = find_first_answer(connection, claim);
    if (!first) return first.error();
    if (*first) return as_first_answered<MarkedRead>(**first);
    auto read = mark_notification_read(transaction, user, id, now, traceparent);
    keep_first_answer(connection, claim, read ? FirstAnswer{*read} : FirstAnswer{NothingFound{}});
    return read;
}

base::Result<ReadAll> read_all_once(WriteTransaction& transaction, base::UserId user,
                                    std::optional<base::Version> before, base::TimePoint now,
                                    const std::string& traceparent, const IdempotencyClaim& claim) {
    auto& connection = transaction.connection();
    const auto first = find_first_answer(connection, claim);
    if (!first) return first.error();
    if (*first) return as_first_answered<ReadAll>(**first);
    auto read = read_all_notifications(transaction, user, before, now, traceparent);
    if (read) keep_first_answer(connection, claim, *read);
    return read;
}

}  // namespace carillon::store
