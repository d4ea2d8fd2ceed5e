// The acks of socket_events.hpp.
#include "contracts/field_reader.hpp"
#include "contracts/json_writer.hpp"
#include "contracts/payload_readers.hpp"
#include "contracts/payload_writers.hpp"
#include "contracts/socket_events.hpp"

namespace carillon::contracts {
namespace {

// `"code":…,"message":…[,"retryAfterMs":…]`
void append_error_fields(std::string& out, const AckError& error) {
    out += "\"code\":\"";
    out += to_string(error.code);
    out += "\",\"message\":";
    append_json_string(out, error.message);
    if (error.retry_after_ms) {
        out += ",\"retryAfterMs\":";
        append_number(out, *error.retry_after_ms);
    }
}

}  // namespace

std::string encode_ack_auth(base::UserId user_id) {
    std::string out = "{\"ok\":true,\"userId\":";
    append_id(out, user_id);
    out.push_back('}');
    return out;
}

std::string encode_ack_read(base::NotificationId id, std::uint64_t unread_count, base::Version version) {
    std::string out = "{\"ok\":true,\"notificationId\":";
    append_id(out, id);
    out += ",\"unreadCount\":";
    append_number(out, unread_count);
    out += ",\"version\":";
    append_version(out, version);
    out.push_back('}');
    return out;
}

std::string encode_ack_read_all(const ReadAllAnswer& answer) {
    std::string out = "{\"ok\":true,";
    append_read_all_fields(out, answer);
    out.push_back('}');
    return out;
}

std::string encode_ack_sync(const SyncAnswer& answer) {
    std::string out = "{\"ok\":true,";
    append_sync_fields(out, answer);
    out.push_back('}');
    return out;
}

std::string encode_ack_error(const AckError& error) {
    std::string out = "{\"ok\":false,\"error\":{";
    append_error_fields(out, error);
    out += "}}";
    return out;
}

std::string encode_error_event(const AckError& error) {
    std::string out = "{\"ok\":false,\"error\":{";
    append_error_fields(out, error);
    out += "},";
    append_error_fields(out, error);
    out.push_back('}');
    return out;
}

std::string encode_connect_error(ConnectErrorCode code, std::string_view message) {
    std::string out = "{\"message\":";
    append_json_string(out, message);
    out += ",\"data\":{\"code\":\"";
    out += to_string(code);
    out += "\"}}";
    return out;
}

Decoded<base::UserId> decode_ack_auth(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        in.constant("ok", true);
        return in.id<base::UserId>("userId");
    });
}

Decoded<AckRead> decode_ack_read(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        in.constant("ok", true);
        AckRead ack;
        ack.notification_id = in.id<base::NotificationId>("notificationId");
        ack.unread_count = in.count("unreadCount");
        ack.version = in.version("version");
        return ack;
    });
}

Decoded<ReadAllAnswer> decode_ack_read_all(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        in.constant("ok", true);
        return read_read_all_answer(in);
    });
}

Decoded<SyncAnswer> decode_ack_sync(std::string_view json) {
    const auto read = [](FieldReader& in) {
        in.constant("ok", true);
        return read_sync_answer(in);
    };
    return decode_document(json, read, kListBytesMax);
}

Decoded<AckError> decode_ack_error(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        in.constant("ok", false);
        auto fields = in.object("error");
        AckError error;
        if (const auto code = parse_ack_error_code(fields.text("code", {}))) {
            error.code = *code;
        } else {
            fields.fail("code", "must be a known code");
        }
        error.message = fields.text("message", {});
        error.retry_after_ms = fields.optional_count("retryAfterMs");
        return error;
    });
}

}  // namespace carillon::contracts
