#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/notification_store.hpp"
#include "store/sqlite/write_transaction.hpp"

/// The changes of an inbox with an idempotency claim: what the first call with the key answered, or the change and the
/// keeping of its answer. Internal to the room; thread: the writer's.
namespace carillon::store {

base::Result<CreatedOnce> create_once(WriteTransaction& transaction, const std::vector<NewNotification>& batch,
                                      const std::vector<base::EventId>& event_ids, const IdempotencyClaim& claim);

base::Result<MarkedRead> mark_read_once(WriteTransaction& transaction, base::UserId user, base::NotificationId id,
                                        base::TimePoint now, const std::string& traceparent,
                                        const IdempotencyClaim& claim);

base::Result<ReadAll> read_all_once(WriteTransaction& transaction, base::UserId user,
                                    std::optional<base::Version> before, base::TimePoint now,
                                    const std::string& traceparent, const IdempotencyClaim& claim);

}  // namespace carillon::store
