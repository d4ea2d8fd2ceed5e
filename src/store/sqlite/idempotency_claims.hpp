#pragma once

#include <optional>

#include "base/result.hpp"
#include "store/idempotency.hpp"
#include "store/notification_store.hpp"
#include "store/sqlite/connection.hpp"

/// Claims of idempotency keys, inside the writer's transaction: there is one writer, so a claim is granted or decided.
/// Internal to the room; thread: the writer's.
namespace carillon::store {

/// Nothing when the key is new (or its answer has expired): then `keep_first_answer` must follow. Errors: key_reused;
/// unavailable when the kept answer cannot be read.
base::Result<std::optional<FirstAnswer>> find_first_answer(SqliteConnection& connection, const IdempotencyClaim& claim);

/// Also makes room: a constant number of old rows goes.
void keep_first_answer(SqliteConnection& connection, const IdempotencyClaim& claim, const FirstAnswer& answer);

}  // namespace carillon::store
