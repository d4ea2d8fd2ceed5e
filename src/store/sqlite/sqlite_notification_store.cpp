#include "store/sqlite/sqlite_notification_store.hpp"

#include <algorithm>
#include <utility>

#include "store/sqlite/notification_changes.hpp"
#include "store/sqlite/notification_reads.hpp"
#include "store/sqlite/requests.hpp"
#include "store/sqlite/statements.hpp"
#include "store/sync_budget.hpp"

namespace carillon::store {

SqliteNotificationStore::SqliteNotificationStore(SqliteDatabase& database)
    : database_{database}, durations_{database.duration_of("create"),   database.duration_of("mark_read"),
                                      database.duration_of("read_all"), database.duration_of("list"),
                                      database.duration_of("find"),     database.duration_of("counts"),
                                      database.duration_of("sync")} {}

loop::Task<std::vector<base::Result<Created>>> SqliteNotificationStore::create(std::vector<NewNotification> batch) {
    if (batch.empty()) co_return std::vector<base::Result<Created>>{};
    // Event ids cost random bytes: made here, not on the writer's thread.
    std::vector<base::EventId> event_ids;
    event_ids.reserve(batch.size());
    for (const auto& wanted : batch) event_ids.push_back({base::Uuid::generate_v7(wanted.created_at)});
    const std::size_t parts = batch.size();
    MutationOf<Created>::Work work = [batch = std::move(batch), event_ids = std::move(event_ids)](
                                         WriteTransaction& transaction, std::size_t part) {
        return create_notification(transaction, batch[part], event_ids[part]);
    };
    co_return co_await mutate_parts<Created>(database_.writer(), durations_.create, parts, std::move(work));
}

loop::Task<base::Result<MarkedRead>> SqliteNotificationStore::mark_read(base::UserId user, base::NotificationId id,
                                                                        base::TimePoint now, std::string traceparent) {
    std::function<base::Result<MarkedRead>(WriteTransaction&)> work =
        [user, id, now, traceparent = std::move(traceparent)](WriteTransaction& transaction) {
            return mark_notification_read(transaction, user, id, now, traceparent);
        };
    co_return co_await mutate<MarkedRead>(database_.writer(), durations_.mark_read, std::move(work));
}

loop::Task<base::Result<ReadAll>> SqliteNotificationStore::read_all(base::UserId user,
                                                                    std::optional<base::Version> before,
                                                                    base::TimePoint now, std::string traceparent) {
    std::function<base::Result<ReadAll>(WriteTransaction&)> work =
        [user, before, now, traceparent = std::move(traceparent)](WriteTransaction& transaction) {
            return read_all_notifications(transaction, user, before, now, traceparent);
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
