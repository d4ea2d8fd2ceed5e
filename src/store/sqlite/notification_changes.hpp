#pragma once

#include <optional>
#include <string>

#include "store/notification_store.hpp"
#include "store/sqlite/write_transaction.hpp"

/// The changes of an inbox, each inside the writer's transaction: rows, counters and event together. An error means
/// that the transaction goes back to before the call. Internal to the room; thread: the writer's.
namespace carillon::store {

base::Result<Created> create_notification(WriteTransaction& transaction, const NewNotification& wanted,
                                          base::EventId event_id);

base::Result<MarkedRead> mark_notification_read(WriteTransaction& transaction, base::UserId user,
                                                base::NotificationId id, base::TimePoint now,
                                                const std::string& traceparent);

base::Result<ReadAll> read_all_notifications(WriteTransaction& transaction, base::UserId user,
                                             std::optional<base::Version> before, base::TimePoint now,
                                             const std::string& traceparent);

}  // namespace carillon::store
