#pragma once

#include "store/notification_store.hpp"
#include "store/sqlite/connection.hpp"

/// Rows of the database as values. Internal to the room.
namespace carillon::store {

/// The row of `user_state`; zeros for a user that nobody knows.
struct UserState {
    InboxState inbox;
    base::Version read_all_before = 0;
    base::Version read_all_version = 0;
    base::Version erased_version = 0;
};
UserState state_of(SqliteConnection& connection, base::UserId user);

/// Gives the user the next version, with this count. Thread: the writer's.
InboxState advance(SqliteConnection& connection, base::UserId user, InboxState now, std::uint64_t unread);

/// The current row of a query that selects the columns of a notification.
contracts::Notification notification_of(const SqliteQuery& query);
/// The version at which that row was created.
base::Version creation_of(const SqliteQuery& query);

}  // namespace carillon::store
