#include "contracts/rest_bodies.hpp"

#include "contracts/field_reader.hpp"
#include "contracts/json_writer.hpp"
#include "contracts/payload_readers.hpp"
#include "contracts/payload_writers.hpp"

namespace carillon::contracts {

Decoded<CreateNotification> decode_create_notification(std::string_view json) {
    return decode_document(json, read_create_notification);
}

Decoded<ReadAllRequest> decode_read_all_request(std::string_view json) {
    return decode_document(json.empty() ? "{}" : json,
                           [](FieldReader& in) { return ReadAllRequest{in.optional_version("before")}; });
}

Decoded<NotificationPage> decode_notification_page(std::string_view json) {
    const auto read = [](FieldReader& in) {
        NotificationPage page;
        in.each_object("data", [&](FieldReader& item) { page.data.push_back(read_notification(item)); });
        page.next_cursor = in.nullable_text("nextCursor", {1});
        page.unread_count = in.count("unreadCount");
        page.version = in.version("version");
        return page;
    };
    return decode_document(json, read, kListBytesMax);
}

UnreadCount read_unread_count(FieldReader& in) {
    UnreadCount count;
    count.count = in.count("count");
    count.version = in.version("version");
    return count;
}

Decoded<UnreadCount> decode_unread_count(std::string_view json) {
    return decode_document(json, read_unread_count);
}

Decoded<MarkReadAnswer> decode_mark_read_answer(std::string_view json) {
    return decode_document(json, read_mark_read_answer);
}

MarkReadAnswer read_mark_read_answer(FieldReader& in) {
    MarkReadAnswer answer;
    answer.notification_id = in.id<base::NotificationId>("notificationId");
    answer.read_at = in.time("readAt");
    answer.unread_count = in.count("unreadCount");
    answer.version = in.version("version");
    return answer;
}

ReadAllAnswer read_read_all_answer(FieldReader& in) {
    ReadAllAnswer answer;
    answer.updated = in.count("updated");
    answer.unread_count = in.count("unreadCount");
    answer.version = in.version("version");
    return answer;
}

Decoded<ReadAllAnswer> decode_read_all_answer(std::string_view json) {
    return decode_document(json, read_read_all_answer);
}

SyncAnswer read_sync_answer(FieldReader& in) {
    SyncAnswer answer;
    answer.reset = in.boolean("reset");
    answer.version = in.version("version");
    answer.unread_count = in.count("unreadCount");
    answer.read_all_before = in.optional_version("readAllBefore");
    in.each_object("notifications",
                   [&](FieldReader& item) { answer.notifications.push_back(read_notification(item)); });
    if (in.has("deleted")) answer.deleted = in.ids<base::NotificationId>("deleted");
    answer.has_more = in.boolean("hasMore");
    return answer;
}

Decoded<SyncAnswer> decode_sync_answer(std::string_view json) {
    return decode_document(
        json,
        [](FieldReader& in) {
            SyncAnswer answer = read_sync_answer(in);
            if (in.has("createdVersions")) answer.created_versions = in.versions("createdVersions");
            return answer;
        },
        kListBytesMax);
}

std::string encode_create_notification(const CreateNotification& request) {
    std::string out = "{\"userId\":";
    append_id(out, request.user_id);
    out.push_back(',');
    append_content_fields(out, request);
    out.push_back('}');
    return out;
}

std::string encode_read_all_request(const ReadAllRequest& request) {
    if (!request.before) return "{}";
    std::string out = "{\"before\":";
    append_version(out, *request.before);
    out.push_back('}');
    return out;
}

std::string encode_notification_page(const NotificationPage& page) {
    std::size_t size = 128;
    for (const auto& notification : page.data) size += encoded_size_hint(notification);
    std::string out;
    out.reserve(size);
    out += "{\"data\":";
    append_list(out, page.data, append_notification);
    out += ",\"nextCursor\":";
    if (page.next_cursor) {
        append_json_string(out, *page.next_cursor);
    } else {
        out += "null";
    }
    out += ",\"unreadCount\":";
    append_number(out, page.unread_count);
    out += ",\"version\":";
    append_version(out, page.version);
    out.push_back('}');
    return out;
}

std::string encode_unread_count(const UnreadCount& count) {
    return encode_unread_count_updated(count.count, count.version);
}

std::string encode_mark_read_answer(const MarkReadAnswer& answer) {
    std::string out = "{\"notificationId\":";
    append_id(out, answer.notification_id);
    out += ",\"readAt\":";
    append_time(out, answer.read_at);
    out += ",\"unreadCount\":";
    append_number(out, answer.unread_count);
    out += ",\"version\":";
    append_version(out, answer.version);
    out.push_back('}');
    return out;
}

void append_read_all_fields(std::string& out, const ReadAllAnswer& answer) {
    out += "\"updated\":";
    append_number(out, answer.updated);
    out += ",\"unreadCount\":";
    append_number(out, answer.unread_count);
    out += ",\"version\":";
    append_version(out, answer.version);
}

std::string encode_read_all_answer(const ReadAllAnswer& answer) {
    std::string out = "{";
    append_read_all_fields(out, answer);
    out.push_back('}');
    return out;
}

void append_sync_fields(std::string& out, const SyncAnswer& answer) {
    out += answer.reset ? "\"reset\":true,\"version\":" : "\"reset\":false,\"version\":";
    append_version(out, answer.version);
    out += ",\"unreadCount\":";
    append_number(out, answer.unread_count);
    if (answer.read_all_before) {
        out += ",\"readAllBefore\":";
        append_version(out, *answer.read_all_before);
    }
    out += ",\"notifications\":";
    append_list(out, answer.notifications, append_notification);
    if (!answer.deleted.empty()) {
        out += ",\"deleted\":";
        append_list(out, answer.deleted, [](std::string& to, const auto& id) { append_id(to, id); });
    }
    out += answer.has_more ? ",\"hasMore\":true" : ",\"hasMore\":false";
}

std::string encode_sync_answer(const SyncAnswer& answer) {
    std::string out = "{";
    append_sync_fields(out, answer);
    if (!answer.created_versions.empty()) {
        out += ",\"createdVersions\":";
        append_list(out, answer.created_versions,
                    [](std::string& to, base::Version version) { append_version(to, version); });
    }
    out.push_back('}');
    return out;
}

}  // namespace carillon::contracts
