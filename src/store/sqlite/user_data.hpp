#pragma once

#include <string>
#include <vector>

#include "store/sqlite/write_transaction.hpp"
#include "store/user_data_store.hpp"

/// What is kept of one user, inside a transaction. Internal to the room.
namespace carillon::store {

/// Thread: the writer's.
base::Result<EraseStep> erase_some(WriteTransaction& transaction, base::UserId user, base::TimePoint now,
                                   const std::string& traceparent);

// Thread: a reader's.
std::vector<OutboxEvent> read_pending_events_of(SqliteConnection& connection, base::UserId user, std::uint64_t after,
                                                std::uint32_t limit);
std::vector<KeptAnswer> read_kept_answers(SqliteConnection& connection, base::UserId user, std::uint64_t after,
                                          std::uint32_t limit);

/// The current row of a query that selects the columns of an event.
OutboxEvent event_of(const SqliteQuery& query);

}  // namespace carillon::store
