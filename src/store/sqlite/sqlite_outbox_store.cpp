#include "store/sqlite/sqlite_outbox_store.hpp"

#include <utility>

#include "store/sqlite/requests.hpp"
#include "store/sqlite/statements.hpp"
#include "store/sqlite/user_data.hpp"

namespace carillon::store {
namespace {

std::vector<OutboxEvent> read_pending(SqliteConnection& connection, OutboxName name, std::uint64_t after,
                                      std::uint32_t limit) {
    std::vector<OutboxEvent> events;
    SqliteQuery row{connection, sql::kPendingEvents[static_cast<std::size_t>(name)], after, limit};
    while (row.next()) events.push_back(event_of(row));
    return events;
}

}  // namespace

SqliteOutboxStore::SqliteOutboxStore(SqliteDatabase& database, OutboxName name)
    : database_{database},
      name_{name},
      pending_duration_{database.duration_of("outbox_pending")},
      remove_duration_{database.duration_of("outbox_remove")} {}

void SqliteOutboxStore::on_committed(std::function<void(std::vector<OutboxEvent>)> listener) {
    database_.on_committed(name_, std::move(listener));
}

loop::Task<base::Result<std::vector<OutboxEvent>>> SqliteOutboxStore::pending(std::uint64_t after,
                                                                              std::uint32_t limit) {
    std::function<base::Result<std::vector<OutboxEvent>>(SqliteConnection&)> work =
        [name = name_, after, limit](SqliteConnection& connection) {
            return read_pending(connection, name, after, limit);
        };
    co_return co_await query<std::vector<OutboxEvent>>(database_.readers(), pending_duration_, std::move(work));
}

loop::Task<base::Result<void>> SqliteOutboxStore::remove(std::vector<std::uint64_t> sequences) {
    if (sequences.empty()) co_return base::Result<void>{};
    std::function<base::Result<void>(WriteTransaction&)> work =
        [name = name_, sequences = std::move(sequences)](WriteTransaction& transaction) -> base::Result<void> {
        transaction.remove_events(name, sequences);
        return {};
    };
    co_return co_await mutate<void>(database_.writer(), remove_duration_, std::move(work));
}

loop::Task<base::Result<std::uint64_t>> SqliteOutboxStore::pending_count() {
    co_return database_.outbox_size(name_);
}

}  // namespace carillon::store
