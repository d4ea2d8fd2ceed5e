#pragma once

#include "contracts/bus_events.hpp"
#include "contracts/field_reader.hpp"
#include "contracts/internal_bodies.hpp"
#include "contracts/notification.hpp"
#include "contracts/problem.hpp"
#include "contracts/rest_bodies.hpp"
#include "contracts/socket_events.hpp"

/// Payloads that stand inside others, read from their object. For the decoders of this room.
namespace carillon::contracts {

/// What every form of a notification has: `userId, type, title, body?, data?`.
CreateNotification read_create_notification(FieldReader& in);
/// Those, and `notificationId, createdAt`.
Notification read_new_notification(FieldReader& in);
/// Those, and `readAt, version`.
Notification read_notification(FieldReader& in);
InboxChange read_inbox_change(FieldReader& in);
UnreadCount read_unread_count(FieldReader& in);
MarkReadAnswer read_mark_read_answer(FieldReader& in);
ReadAllAnswer read_read_all_answer(FieldReader& in);
SyncAnswer read_sync_answer(FieldReader& in);
Problem read_problem(FieldReader& in);

}  // namespace carillon::contracts
