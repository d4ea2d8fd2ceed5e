#include "contracts/bus_events.hpp"

#include "contracts/created_event_scanner.hpp"
#include "contracts/field_reader.hpp"
#include "contracts/json_writer.hpp"
#include "contracts/payload_readers.hpp"
#include "contracts/payload_writers.hpp"

namespace carillon::contracts {

std::string encode_bus_event(const UserRegistered& event) {
    std::string out = "{";
    if (event.event_id) {
        out += "\"eventId\":";
        append_id(out, *event.event_id);
        out.push_back(',');
    }
    out += "\"userId\":";
    append_id(out, event.user_id);
    out += ",\"email\":";
    append_json_string(out, event.email);
    if (event.name) {
        out += ",\"name\":";
        append_json_string(out, *event.name);
    }
    out += ",\"createdAt\":";
    append_time(out, event.created_at);
    out.push_back('}');
    return out;
}

std::string encode_bus_event(const NotificationCreated& event) {
    std::string out;
    out.reserve(encoded_size_hint(event.notification));
    out += "{\"eventId\":";
    append_id(out, event.event_id);
    out.push_back(',');
    append_notification_fields(out, event.notification);
    if (event.unread_count) {
        out += ",\"unreadCount\":";
        append_number(out, *event.unread_count);
    }
    if (event.version) {
        out += ",\"version\":";
        append_version(out, *event.version);
    }
    out.push_back('}');
    return out;
}

std::string encode_bus_event(const NotificationUpdated& event) {
    std::string out = "{\"eventId\":";
    append_id(out, event.event_id);
    out += ",\"userId\":";
    append_id(out, event.user_id);
    out.push_back(',');
    append_inbox_change_fields(out, event.change);
    out.push_back('}');
    return out;
}

Decoded<UserRegistered> decode_user_registered(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        UserRegistered event;
        event.event_id = in.optional_id<base::EventId>("eventId");
        event.user_id = in.id<base::UserId>("userId");
        event.email = in.text("email", {1, kForeignTextCharsMax});
        event.name = in.optional_text("name", {0, kForeignTextCharsMax});
        event.created_at = in.time("createdAt");
        return event;
    });
}

Decoded<NotificationCreated> decode_notification_created(std::string_view json) {
    if (const auto scanned = scan_created_event(json)) return to_event(*scanned);
    return decode_document(json, [](FieldReader& in) {
        NotificationCreated event;
        event.event_id = in.id<base::EventId>("eventId");
        event.notification = read_new_notification(in);
        event.unread_count = in.optional_count("unreadCount");
        event.version = in.optional_version("version");
        event.notification.version = event.version.value_or(0);
        return event;
    });
}

Decoded<NotificationUpdated> decode_bus_notification_updated(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        NotificationUpdated event;
        event.event_id = in.id<base::EventId>("eventId");
        event.user_id = in.id<base::UserId>("userId");
        event.change = read_inbox_change(in);
        return event;
    });
}

}  // namespace carillon::contracts
