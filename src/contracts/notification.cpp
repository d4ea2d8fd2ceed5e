#include "contracts/notification.hpp"

#include <algorithm>

#include "contracts/field_reader.hpp"
#include "contracts/json_writer.hpp"
#include "contracts/payload_readers.hpp"
#include "contracts/payload_writers.hpp"

namespace carillon::contracts {
namespace {

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_case) {
    return text.size() >= lower_case.size() &&
           std::equal(lower_case.begin(), lower_case.end(), text.begin(), [](char a, char b) {
               return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
           });
}

bool never_in_a_link(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7F || c == '\\';
}

}  // namespace

bool is_safe_link(std::string_view url) {
    if (url.empty() || std::any_of(url.begin(), url.end(), never_in_a_link)) return false;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!starts_with_ignoring_case(url, scheme)) continue;
        const auto host = url.substr(scheme.size());
        return !host.empty() && host.find_first_of("/?#") != 0;
    }
    if (url.starts_with("//")) return false;
    // RFC 3986 section 4.2: a colon in the first segment would make it a scheme.
    const auto segment_end = url.find_first_of(":/?#");
    return segment_end == std::string_view::npos || url[segment_end] != ':';
}

std::size_t encoded_size_hint(const Notification& notification) {
    constexpr std::size_t kFixedFields = 320;  // names, ids, times, counters
    return kFixedFields + notification.type.size() + notification.title.size() +
           (notification.body ? notification.body->size() : 0) +
           (notification.data_json ? notification.data_json->size() : 0);
}

template <class Source>
void append_content_fields(std::string& out, const Source& source) {
    out += "\"type\":";
    append_json_string(out, source.type);
    out += ",\"title\":";
    append_json_string(out, source.title);
    if (source.body) {
        out += ",\"body\":";
        append_json_string(out, *source.body);
    }
    if (source.data_json) {
        out += ",\"data\":";
        out += *source.data_json;
    }
}

template void append_content_fields(std::string& out, const Notification& source);
template void append_content_fields(std::string& out, const CreateNotification& source);

void append_notification_fields(std::string& out, const Notification& notification) {
    out += "\"notificationId\":";
    append_id(out, notification.id);
    out += ",\"userId\":";
    append_id(out, notification.user_id);
    out.push_back(',');
    append_content_fields(out, notification);
    out += ",\"createdAt\":";
    append_time(out, notification.created_at);
}

void append_notification(std::string& out, const Notification& notification) {
    out.push_back('{');
    append_notification_fields(out, notification);
    out += ",\"readAt\":";
    if (notification.read_at) {
        append_time(out, *notification.read_at);
    } else {
        out += "null";
    }
    out += ",\"version\":";
    append_version(out, notification.version);
    out.push_back('}');
}

std::string encode_notification(const Notification& notification) {
    std::string out;
    out.reserve(encoded_size_hint(notification));
    append_notification(out, notification);
    return out;
}

CreateNotification read_create_notification(FieldReader& in) {
    CreateNotification content;
    content.user_id = in.id<base::UserId>("userId");
    content.type = in.text("type", {1, kTypeCharsMax});
    content.title = in.text("title", {1, kTitleCharsMax});
    content.body = in.optional_text("body", {0, kBodyCharsMax});
    content.data_json = in.optional_data("data");
    return content;
}

Notification read_new_notification(FieldReader& in) {
    auto content = read_create_notification(in);
    Notification notification;
    notification.id = in.id<base::NotificationId>("notificationId");
    notification.user_id = content.user_id;
    notification.type = std::move(content.type);
    notification.title = std::move(content.title);
    notification.body = std::move(content.body);
    notification.data_json = std::move(content.data_json);
    notification.created_at = in.time("createdAt");
    return notification;
}

Notification read_notification(FieldReader& in) {
    auto notification = read_new_notification(in);
    notification.read_at = in.nullable_time("readAt");
    notification.version = in.version("version");
    return notification;
}

Decoded<Notification> decode_notification(std::string_view json) {
    return decode_document(json, read_notification);
}

}  // namespace carillon::contracts
