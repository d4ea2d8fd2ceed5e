#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "contracts/notification.hpp"
#include "contracts/rest_bodies.hpp"
#include "contracts/socket_events.hpp"

/// Parts of payloads that several encoders write. For the encoders of this room.
namespace carillon::contracts {

/// `"type":…,"title":…[,"body":…][,"data":…]`
template <class Source>
void append_content_fields(std::string& out, const Source& source);

/// `"notificationId":…,"userId":…,` and the content, `,"createdAt":…`
void append_notification_fields(std::string& out, const Notification& notification);

/// `"action":…[,"notificationId":…],"unreadCount":…,"version":…`
void append_inbox_change_fields(std::string& out, const InboxChange& change);

/// `"updated":…,"unreadCount":…,"version":…`
void append_read_all_fields(std::string& out, const ReadAllAnswer& answer);

/// The fields of a sync answer, without the braces.
void append_sync_fields(std::string& out, const SyncAnswer& answer);

/// `[` each item, with commas between, `]`.
template <class Items, class Append>
void append_list(std::string& out, const Items& items, Append append) {
    out.push_back('[');
    bool first = true;
    for (const auto& item : items) {
        if (!std::exchange(first, false)) out.push_back(',');
        append(out, item);
    }
    out.push_back(']');
}

/// Bytes to reserve for a notification, so that most are encoded with one allocation.
std::size_t encoded_size_hint(const Notification& notification);

}  // namespace carillon::contracts
