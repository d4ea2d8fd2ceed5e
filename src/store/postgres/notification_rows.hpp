#pragma once

#include "store/notification_store.hpp"
#include "store/postgres/rows.hpp"

/// Rows of the database as values. Internal to the room.
namespace carillon::store::postgres {

/// Of a row that has the columns of a notification (`id` … `created_version`, statements.hpp) from `first` on.
contracts::Notification notification_of(const Rows& rows, std::size_t row, int first);
/// The version at which that row was created.
base::Version creation_of(const Rows& rows, std::size_t row, int first);

/// Of a page: the counters come in columns 0 and 1 of each row, the notification from 2 on. A page without
/// notifications is one row whose notification is NULL.
NotificationPage page_of(const Rows& rows, std::uint32_t limit);
/// The newest that fit into one page of sync, in the order of their last changes, of the same rows.
SyncPage snapshot_of(const Rows& rows, std::uint32_t limit);
/// Of `sql::kChangedSince`; nothing when there must be a reset.
std::optional<SyncPage> changes_of(const Rows& rows, base::Version since, std::uint32_t limit);

}  // namespace carillon::store::postgres
