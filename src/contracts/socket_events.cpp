#include "contracts/socket_events.hpp"

#include "contracts/field_reader.hpp"
#include "contracts/json_writer.hpp"
#include "contracts/payload_readers.hpp"
#include "contracts/payload_writers.hpp"

namespace carillon::contracts {
namespace {

// What a command without an argument is read as: its required fields are then missing.
constexpr std::string_view kNoArgument = "{}";

std::string_view argument(std::string_view json) {
    return json.empty() ? kNoArgument : json;
}

}  // namespace

Decoded<AuthMessage> decode_auth_message(std::string_view json) {
    return decode_document(argument(json), [](FieldReader& in) {
        return AuthMessage{in.text("token", {1, kTokenCharsMax})};
    });
}

Decoded<ReadCommand> decode_read_command(std::string_view json) {
    return decode_document(argument(json),
                           [](FieldReader& in) { return ReadCommand{in.id<base::NotificationId>("notificationId")}; });
}

Decoded<ReadAllCommand> decode_read_all_command(std::string_view json) {
    // A stock client sends null where a page passed undefined.
    const auto parsed = parse_json(argument(json));
    if (!parsed) return parsed.error();
    if (parsed->is(JsonValue::Kind::null)) return ReadAllCommand{};
    return decode_value(*parsed, [](FieldReader& in) { return ReadAllCommand{in.optional_version("before")}; });
}

Decoded<SyncCommand> decode_sync_command(std::string_view json) {
    return decode_document(argument(json), [](FieldReader& in) {
        SyncCommand command;
        command.since = in.version("since");
        if (in.has("limit")) command.limit = static_cast<std::uint32_t>(in.integer("limit", 1, kSyncLimitMax));
        return command;
    });
}

std::string encode_auth_message(const AuthMessage& message) {
    std::string out = "{\"token\":";
    append_json_string(out, message.token);
    out.push_back('}');
    return out;
}

std::string encode_read_command(const ReadCommand& command) {
    std::string out = "{\"notificationId\":";
    append_id(out, command.notification_id);
    out.push_back('}');
    return out;
}

std::string encode_read_all_command(const ReadAllCommand& command) {
    return encode_read_all_request(ReadAllRequest{command.before});
}

std::string encode_sync_command(const SyncCommand& command) {
    std::string out = "{\"since\":";
    append_version(out, command.since);
    out += ",\"limit\":";
    append_number(out, command.limit);
    out.push_back('}');
    return out;
}

std::string_view to_string(UpdateAction action) {
    return action == UpdateAction::read ? "read" : "read-all";
}

void append_notification_new(std::string& out, const Notification& notification, std::uint64_t unread_count) {
    out.push_back('{');
    append_notification_fields(out, notification);
    out += ",\"unreadCount\":";
    append_number(out, unread_count);
    out += ",\"version\":";
    append_version(out, notification.version);
    out.push_back('}');
}

void append_inbox_change_fields(std::string& out, const InboxChange& change) {
    out += "\"action\":\"";
    out += to_string(change.action);
    out.push_back('"');
    if (change.notification_id && change.action == UpdateAction::read) {
        out += ",\"notificationId\":";
        append_id(out, *change.notification_id);
    }
    out += ",\"unreadCount\":";
    append_number(out, change.unread_count);
    out += ",\"version\":";
    append_version(out, change.version);
    if (change.before && change.action == UpdateAction::read_all) {
        out += ",\"before\":";
        append_version(out, *change.before);
    }
    if (change.reset && change.action == UpdateAction::read_all) out += ",\"reset\":true";
}

void append_notification_updated(std::string& out, const InboxChange& change) {
    out.push_back('{');
    append_inbox_change_fields(out, change);
    out.push_back('}');
}

void append_unread_count_updated(std::string& out, std::uint64_t count, base::Version version) {
    out += "{\"count\":";
    append_number(out, count);
    out += ",\"version\":";
    append_version(out, version);
    out.push_back('}');
}

std::string encode_notification_new(const Notification& notification, std::uint64_t unread_count) {
    std::string out;
    out.reserve(encoded_size_hint(notification));
    append_notification_new(out, notification, unread_count);
    return out;
}

std::string encode_notification_updated(const InboxChange& change) {
    std::string out;
    append_notification_updated(out, change);
    return out;
}

std::string encode_unread_count_updated(std::uint64_t count, base::Version version) {
    std::string out;
    append_unread_count_updated(out, count, version);
    return out;
}

std::string encode_auth_expiring(base::TimePoint expires_at) {
    std::string out = "{\"expiresAt\":";
    append_time(out, expires_at);
    out.push_back('}');
    return out;
}

std::string encode_server_draining(std::uint64_t retry_after_ms) {
    std::string out = "{\"retryAfterMs\":";
    append_number(out, retry_after_ms);
    out.push_back('}');
    return out;
}

InboxChange read_inbox_change(FieldReader& in) {
    InboxChange change;
    const auto action = in.text("action", {});
    if (action == to_string(UpdateAction::read)) {
        change.notification_id = in.id<base::NotificationId>("notificationId");
    } else if (action == to_string(UpdateAction::read_all)) {
        change.action = UpdateAction::read_all;
        if (in.has("notificationId")) in.fail("notificationId", "must not be there with \"read-all\"");
        change.before = in.optional_version("before");
        change.reset = in.optional_boolean("reset");
    } else {
        in.fail("action", "must be \"read\" or \"read-all\"");
    }
    change.unread_count = in.count("unreadCount");
    change.version = in.version("version");
    return change;
}

Decoded<NotificationNew> decode_notification_new(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        NotificationNew event;
        event.notification = read_new_notification(in);
        event.unread_count = in.count("unreadCount");
        event.notification.version = in.version("version");
        return event;
    });
}

Decoded<InboxChange> decode_notification_updated(std::string_view json) {
    return decode_document(json, read_inbox_change);
}

Decoded<UnreadCount> decode_unread_count_updated(std::string_view json) {
    return decode_document(json, read_unread_count);
}

Decoded<base::TimePoint> decode_auth_expiring(std::string_view json) {
    return decode_document(json, [](FieldReader& in) { return in.time("expiresAt"); });
}

Decoded<std::uint64_t> decode_server_draining(std::string_view json) {
    return decode_document(json, [](FieldReader& in) { return in.count("retryAfterMs"); });
}

}  // namespace carillon::contracts
