#include "contracts/internal_bodies.hpp"

#include "contracts/field_reader.hpp"
#include "contracts/json_writer.hpp"
#include "contracts/payload_readers.hpp"
#include "contracts/payload_writers.hpp"

namespace carillon::contracts {
namespace {

constexpr std::uint64_t kStatusMin = 100;
constexpr std::uint64_t kStatusMax = 599;

constexpr std::size_t kTraceparentLengthMax = 55;

/// `{status, problem}`, or `{status, NAME}`: then `read_value` reads the object NAME into the result.
template <class Result, class ReadValue>
Result read_result(FieldReader& in, std::string_view name, ReadValue read_value) {
    Result result;
    result.status = static_cast<int>(in.integer("status", kStatusMin, kStatusMax));
    if (in.has(name) == in.has("problem")) {
        in.fail(name, "must be there, or a problem, and not both");
    } else if (in.has(name)) {
        auto value = in.object(name);
        read_value(result, value);
    } else {
        auto problem = in.object("problem");
        result.problem = read_problem(problem);
    }
    return result;
}

BulkResult read_bulk_result(FieldReader& in) {
    return read_result<BulkResult>(in, "notification", [](BulkResult& result, FieldReader& notification) {
        result.notification = read_notification(notification);
    });
}

ReadsResult read_reads_result(FieldReader& in) {
    return read_result<ReadsResult>(
        in, "read", [](ReadsResult& result, FieldReader& read) { result.read = read_mark_read_answer(read); });
}

ReadsItem read_reads_item(FieldReader& in) {
    ReadsItem item;
    item.user_id = in.id<base::UserId>("userId");
    item.notification_id = in.id<base::NotificationId>("notificationId");
    item.traceparent = in.optional_text("traceparent", Length{0, kTraceparentLengthMax}).value_or(std::string{});
    return item;
}

UserUnreadCount read_user_unread_count(FieldReader& in) {
    UserUnreadCount count;
    count.user_id = in.id<base::UserId>("userId");
    count.count = in.count("count");
    count.version = in.version("version");
    return count;
}

void append_user_unread_count(std::string& out, const UserUnreadCount& count) {
    out += "{\"userId\":";
    append_id(out, count.user_id);
    out += ",\"count\":";
    append_number(out, count.count);
    out += ",\"version\":";
    append_version(out, count.version);
    out.push_back('}');
}

void append_bulk_result(std::string& out, const BulkResult& result) {
    out += "{\"status\":";
    append_number(out, static_cast<std::uint64_t>(result.status));
    if (result.notification) {
        out += ",\"notification\":";
        append_notification(out, *result.notification);
    } else if (result.problem) {
        out += ",\"problem\":";
        append_problem(out, *result.problem);
    }
    out.push_back('}');
}

void append_reads_item(std::string& out, const ReadsItem& item) {
    out += "{\"userId\":";
    append_id(out, item.user_id);
    out += ",\"notificationId\":";
    append_id(out, item.notification_id);
    if (!item.traceparent.empty()) {
        out += ",\"traceparent\":";
        append_json_string(out, item.traceparent);
    }
    out.push_back('}');
}

void append_reads_result(std::string& out, const ReadsResult& result) {
    out += "{\"status\":";
    append_number(out, static_cast<std::uint64_t>(result.status));
    if (result.read) {
        out += ",\"read\":";
        out += encode_mark_read_answer(*result.read);
    } else if (result.problem) {
        out += ",\"problem\":";
        append_problem(out, *result.problem);
    }
    out.push_back('}');
}

}  // namespace

Decoded<InternalReadRequest> decode_internal_read_request(std::string_view json) {
    return decode_document(json, [](FieldReader& in) { return InternalReadRequest{in.id<base::UserId>("userId")}; });
}

Decoded<InternalReadAllRequest> decode_internal_read_all_request(std::string_view json) {
    return decode_document(json, [](FieldReader& in) {
        InternalReadAllRequest request;
        request.user_id = in.id<base::UserId>("userId");
        request.before = in.optional_version("before");
        return request;
    });
}

Decoded<UnreadCountsRequest> decode_unread_counts_request(std::string_view json) {
    return decode_document(
        json, [](FieldReader& in) { return UnreadCountsRequest{in.ids<base::UserId>("userIds", kBulkItemsMax)}; });
}

Decoded<UnreadCountsAnswer> decode_unread_counts_answer(std::string_view json) {
    const auto read = [](FieldReader& in) {
        UnreadCountsAnswer answer;
        in.each_object("counts", [&](FieldReader& item) { answer.counts.push_back(read_user_unread_count(item)); });
        return answer;
    };
    return decode_document(json, read, kListBytesMax);
}

Decoded<BulkRequest> decode_bulk_request(std::string_view json) {
    const auto read = [](FieldReader& in) {
        BulkRequest request;
        for (const auto& item : in.elements("notifications", kBulkItemsMax)) {
            request.items.push_back(decode_value(item, read_create_notification));
        }
        return request;
    };
    return decode_document(json, read, kListBytesMax);
}

Decoded<BulkAnswer> decode_bulk_answer(std::string_view json) {
    const auto read = [](FieldReader& in) {
        BulkAnswer answer;
        in.each_object("results", [&](FieldReader& item) { answer.results.push_back(read_bulk_result(item)); });
        return answer;
    };
    return decode_document(json, read, kListBytesMax);
}

Decoded<ReadsRequest> decode_reads_request(std::string_view json) {
    const auto read = [](FieldReader& in) {
        ReadsRequest request;
        in.each_object(
            "reads", [&](FieldReader& item) { request.reads.push_back(read_reads_item(item)); }, kBulkItemsMax);
        return request;
    };
    return decode_document(json, read, kListBytesMax);
}

Decoded<ReadsAnswer> decode_reads_answer(std::string_view json) {
    const auto read = [](FieldReader& in) {
        ReadsAnswer answer;
        in.each_object("results", [&](FieldReader& item) { answer.results.push_back(read_reads_result(item)); });
        return answer;
    };
    return decode_document(json, read, kListBytesMax);
}

std::string encode_internal_read_request(const InternalReadRequest& request) {
    return encode_internal_read_all_request({request.user_id, std::nullopt});
}

std::string encode_internal_read_all_request(const InternalReadAllRequest& request) {
    std::string out = "{\"userId\":";
    append_id(out, request.user_id);
    if (request.before) {
        out += ",\"before\":";
        append_version(out, *request.before);
    }
    out.push_back('}');
    return out;
}

std::string encode_unread_counts_request(const UnreadCountsRequest& request) {
    std::string out = "{\"userIds\":";
    append_list(out, request.user_ids, [](std::string& to, const auto& id) { append_id(to, id); });
    out.push_back('}');
    return out;
}

std::string encode_unread_counts_answer(const UnreadCountsAnswer& answer) {
    std::string out = "{\"counts\":";
    append_list(out, answer.counts, append_user_unread_count);
    out.push_back('}');
    return out;
}

std::string encode_bulk_request(const std::vector<CreateNotification>& notifications) {
    std::string out = "{\"notifications\":";
    append_list(out, notifications,
                [](std::string& to, const CreateNotification& item) { to += encode_create_notification(item); });
    out.push_back('}');
    return out;
}

std::string encode_bulk_answer(const BulkAnswer& answer) {
    std::string out = "{\"results\":";
    append_list(out, answer.results, append_bulk_result);
    out.push_back('}');
    return out;
}

std::string encode_reads_request(const ReadsRequest& request) {
    std::string out = "{\"reads\":";
    append_list(out, request.reads, append_reads_item);
    out.push_back('}');
    return out;
}

std::string encode_reads_answer(const ReadsAnswer& answer) {
    std::string out = "{\"results\":";
    append_list(out, answer.results, append_reads_result);
    out.push_back('}');
    return out;
}

}  // namespace carillon::contracts
