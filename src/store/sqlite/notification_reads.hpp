#pragma once

#include <vector>

#include "store/notification_store.hpp"
#include "store/sqlite/connection.hpp"

/// The reads of the port, each inside one snapshot. Internal to the room; thread: a reader's.
namespace carillon::store {

NotificationPage read_page(SqliteConnection& connection, const ListQuery& query);
base::Result<contracts::Notification> read_notification(SqliteConnection& connection, base::UserId user,
                                                        base::NotificationId id);
std::vector<UserCount> read_counts(SqliteConnection& connection, const std::vector<base::UserId>& users);
SyncPage read_sync(SqliteConnection& connection, base::UserId user, base::Version since, std::uint32_t limit);

}  // namespace carillon::store
