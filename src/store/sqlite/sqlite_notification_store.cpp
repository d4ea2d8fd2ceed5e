#include "store/sqlite/sqlite_notification_store.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "store/sqlite/notification_changes.hpp"
#include "store/sqlite/notification_reads.hpp"
#include "store/sqlite/repeatable_changes.hpp"
#include "store/sqlite/requests.hpp"
#include "store/sqlite/statements.hpp"
#include "store/sync_budget.hpp"

namespace carillon::store {
namespace {

// They cost random bytes: not made on the writer's thread.
std::vector<base::EventId> event_ids_for(const std::vector<NewNotification>& batch) {
    std::vector<base::EventId> ids;
    ids.reserve(batch.size());
    for (const auto& wanted : batch) ids.push_back({base::Uuid::generate_v7(wanted.created_at)});
    return ids;
}

}  // namespace

SqliteNotificationStore::SqliteNotificationStore(SqliteDatabase& database)
    : database_{database}, durations_{database.duration_of("create"),   database.duration_of("mark_read"),
                                      database.duration_of("read_all"), database.duration_of("list"),
                                      database.duration_of("find"),     database.duration_of("counts"),
                                      database.duration_of("sync")} {}

loop::Task<std::vector<base::Result<Created>>> SqliteNotificationStore::create(std::vector<NewNotification> batch) {
    if (batch.empty()) co_return std::vector<base::Result<Created>>{};
    std::vector<base::EventId> event_ids = event_ids_for(batch);
    const std::size_t parts = batch.size();
    MutationOf<Created>::Work work = [batch = std::move(batch), event_ids = std::move(event_ids)](
                                         WriteTransaction& transaction, std::size_t part) {
        return create_notification(transaction, batch[part], event_ids[part]);
    };
    co_return co_await mutate_parts<Created>(database_.writer(), durations_.create, parts, std::move(work), parts);
}

loop::Task<base::Result<CreatedOnce>> SqliteNotificationStore::create_once(std::vector<NewNotification> batch,
                                                                           IdempotencyClaim claim) {
    assert(!batch.empty() && batch.size() <= kCreateOnceMax);
    std::vector<base::EventId> event_ids = event_ids_for(batch);
    const std::size_t weight = batch.size();
    std::function<base::Result<CreatedOnce>(WriteTransaction&)> work =
        [batch = std::move(batch), event_ids = std::move(event_ids), claim](WriteTransaction& transaction) {
            return store::create_once(transaction, batch, event_ids, claim);
        };
    co_return co_await mutate<CreatedOnce>(database_.writer(), durations_.create, std::move(work), weight);
}

loop::Task<base::Result<MarkedRead>> SqliteNotificationStore::mark_read(base::UserId user, base::NotificationId id,
                                                                        base::TimePoint now, std::string traceparent,
                                                                        std::optional<IdempotencyClaim> claim) {
    std::function<base::Result<MarkedRead>(WriteTransaction&)> work =
        [user, id, now, traceparent = std::move(traceparent), claim](WriteTransaction& transaction) {
            return claim ? mark_read_once(transaction, user, id, now, traceparent, *claim)
                         : mark_notification_read(transaction, user, id, now, traceparent);
        };
    co_return co_await mutate<MarkedRead>(database_.writer(), durations_.mark_read, std::move(work));
}

loop::Task<std::vector<base::Result<MarkedRead>>> SqliteNotificationStore::mark_read_each(std::vector<MarkRead> batch,
                                                                                          base::TimePoint now) {
    if (batch.empty()) co_return std::vector<base::Result<MarkedRead>>{};
    const std::size_t parts = batch.size();
    MutationOf<MarkedRead>::Work work = [batch = std::move(batch), now](WriteTransaction& transaction,
                                                                        std::size_t part) {
        const auto& mark = batch[part];
        return mark_notification_read(transaction, mark.user_id, mark.id, now, mark.traceparent);
    };
    co_return co_await mutate_parts<MarkedRead>(database_.writer(), durations_.mark_read, parts, std::move(work),
                                                parts);
}

loop::Task<base::Result<ReadAll>> SqliteNotificationStore::read_all(base::UserId user,
                                                                    std::optional<base::Version> before,
                                                                    base::TimePoint now, std::string traceparent,
                                                                    std::optional<IdempotencyClaim> claim) {
    std::function<base::Result<ReadAll>(WriteTransaction&)> work =
        [user, before, now, traceparent = std::move(traceparent), claim](WriteTransaction& transaction) {
            return claim ? read_all_once(transaction, user, before, now, traceparent, *claim)
                         : read_all_notifications(transaction, user, before, now, traceparent);
        };
    co_return co_await mutate<ReadAll>(database_.writer(), durations_.read_all, std::move(work));
}

loop::Task<base::Result<NotificationPage>> SqliteNotificationStore::list(ListQuery wanted) {
    std::function<base::Result<NotificationPage>(SqliteConnection&)> work = [wanted](SqliteConnection& connection) {
        return read_page(connection, wanted);
    };
    co_return co_await query<NotificationPage>(database_.readers(), durations_.list, std::move(work));
}

loop::Task<base::Result<contracts::Notification>> SqliteNotificationStore::find(base::UserId user,
                                                                                base::NotificationId id) {
    std::function<base::Result<contracts::Notification>(SqliteConnection&)> work =
        [user, id](SqliteConnection& connection) { return read_notification(connection, user, id); };
    co_return co_await query<contracts::Notification>(database_.readers(), durations_.find, std::move(work));
}

loop::Task<base::Result<std::vector<UserCount>>> SqliteNotificationStore::counts(std::vector<base::UserId> users) {
    std::function<base::Result<std::vector<UserCount>>(SqliteConnection&)> work =
        [users = std::move(users)](SqliteConnection& connection) { return read_counts(connection, users); };
    co_return co_await query<std::vector<UserCount>>(database_.readers(), durations_.counts, std::move(work));
}

loop::Task<base::Result<SyncPage>> SqliteNotificationStore::sync(base::UserId user, base::Version since,
                                                                 std::uint32_t limit) {
    const std::uint32_t rows = std::clamp<std::uint32_t>(limit, 1, kSyncChangesMax);
    std::function<base::Result<SyncPage>(SqliteConnection&)> work = [user, since, rows](SqliteConnection& connection) {
        return read_sync(connection, user, since, rows);
    };
    co_return co_await query<SyncPage>(database_.readers(), durations_.sync, std::move(work));
}

loop::Task<base::Result<void>> SqliteNotificationStore::check() {
    co_return co_await database_.check();
}

}  // namespace carillon::store
