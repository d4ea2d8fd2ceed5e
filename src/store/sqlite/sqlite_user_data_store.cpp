#include "store/sqlite/sqlite_user_data_store.hpp"

#include <utility>

#include "store/sqlite/requests.hpp"
#include "store/sqlite/user_data.hpp"

namespace carillon::store {

SqliteUserDataStore::SqliteUserDataStore(SqliteDatabase& database)
    : database_{database},
      erase_duration_{database.duration_of("erase")},
      export_duration_{database.duration_of("export")} {}

loop::Task<base::Result<EraseStep>> SqliteUserDataStore::erase(base::UserId user, base::TimePoint now,
                                                               std::string traceparent) {
    std::function<base::Result<EraseStep>(WriteTransaction&)> work =
        [user, now, traceparent = std::move(traceparent)](WriteTransaction& transaction) {
            return erase_some(transaction, user, now, traceparent);
        };
    co_return co_await mutate<EraseStep>(database_.writer(), erase_duration_, std::move(work), kEraseRowsMax);
}

loop::Task<base::Result<std::vector<OutboxEvent>>> SqliteUserDataStore::pending_events(base::UserId user,
                                                                                       std::uint64_t after,
                                                                                       std::uint32_t limit) {
    std::function<base::Result<std::vector<OutboxEvent>>(SqliteConnection&)> work =
        [user, after, limit](SqliteConnection& connection) {
            return read_pending_events_of(connection, user, after, limit);
        };
    co_return co_await query<std::vector<OutboxEvent>>(database_.readers(), export_duration_, std::move(work));
}

loop::Task<base::Result<std::vector<KeptAnswer>>> SqliteUserDataStore::kept_answers(base::UserId user,
                                                                                    std::uint64_t after,
                                                                                    std::uint32_t limit) {
    std::function<base::Result<std::vector<KeptAnswer>>(SqliteConnection&)> work =
        [user, after, limit](SqliteConnection& connection) {
            return read_kept_answers(connection, user, after, limit);
        };
    co_return co_await query<std::vector<KeptAnswer>>(database_.readers(), export_duration_, std::move(work));
}

}  // namespace carillon::store
