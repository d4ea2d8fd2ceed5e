#include "notifications/notification_routes.hpp"

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "contracts/internal_bodies.hpp"
#include "http/idempotency.hpp"
#include "http/trace_context.hpp"

namespace carillon::notifications {
namespace {

using http::Access;
using http::Method;
using http::Response;
using http::RoutedRequest;

/// A title, a body and data at their longest, with escapes.
constexpr std::size_t kBodyBytesMax = 128 * 1024;
/// A thousand notifications at their longest, each code point escaped, would be far more; what is beyond this is sent
/// in parts.
constexpr std::size_t kBulkBodyBytesMax = 8 * 1024 * 1024;
/// 1,000 ids in quotes with commas fit twice.
constexpr std::size_t kCountsBodyBytesMax = 128 * 1024;
/// 1,000 marks, each with two ids and a trace, fit.
constexpr std::size_t kReadsBodyBytesMax = 512 * 1024;

// --- Query parameters ------------------------------------------------------------------------------------------------

ServiceResult<base::UserId> user_of_query(const http::Request& request) {
    const auto text = request.query_value("userId");
    if (!text || text->empty()) return contracts::problem_bad_request("userId is missing");
    const auto user = base::UserId::parse(*text);
    if (!user) return contracts::problem_not_found("userId is no UUID.");
    return *user;
}

/// The number as it stands there; its bounds are the service's. Nothing when it is no number.
std::optional<std::uint32_t> limit_of_query(const http::Request& request, std::uint32_t when_absent) {
    const auto text = request.query_value("limit");
    if (!text) return when_absent;
    std::uint32_t limit = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
    return limit;
}

contracts::Problem bad_limit() {
    return contracts::problem_bad_request("limit must be a whole number");
}

/// Empty when it is not there; there and empty is a mistake.
ServiceResult<std::string> text_of_query(const http::Request& request, const char* name) {
    auto text = request.query_value(name);
    if (!text) return std::string{};
    if (text->empty()) return contracts::problem_bad_request(std::string{name} + " must not be empty");
    return std::move(*text);
}

ServiceResult<ListRequest> list_request_of(const http::Request& request) {
    const auto user = user_of_query(request);
    if (!user) return user.error();
    const auto limit = limit_of_query(request, contracts::kPageLimitDefault);
    if (!limit) return bad_limit();
    auto cursor = text_of_query(request, "cursor");
    if (!cursor) return cursor.error();
    auto status = text_of_query(request, "status");
    if (!status) return status.error();
    return ListRequest{*user, *limit, std::move(*cursor), std::move(*status)};
}

Response refuse(const contracts::Invalid& invalid) {
    return http::problem_response(contracts::to_problem(invalid));
}

/// Who calls, and with which key. 400 when a header field is malformed.
ServiceResult<CallContext> context_of(const RoutedRequest& routed) {
    auto key = http::idempotency_key_of(routed.request);
    if (!key) return key.error();
    CallContext context;
    context.traceparent = routed.request.traceparent;
    context.idempotency_key = std::move(*key);
    context.caller.service = routed.service;
    if (routed.request.headers.has(kOnBehalfOfHeader)) {
        const auto user = base::UserId::parse(routed.request.headers.get(kOnBehalfOfHeader));
        if (!user || routed.request.headers.count(kOnBehalfOfHeader) != 1) {
            return contracts::problem_bad_request(std::string{kOnBehalfOfHeader} + " must be a user's id");
        }
        context.caller.on_behalf_of = *user;
    }
    return context;
}

Response answered(std::string body, bool replayed) {
    auto response = http::json_response(200, std::move(body));
    if (replayed) http::mark_replayed(response);
    return response;
}

// --- Handlers --------------------------------------------------------------------------------------------------------

loop::Task<Response> create(NotificationService& service, const RoutedRequest& routed) {
    auto context = context_of(routed);
    if (!context) co_return http::problem_response(context.error());
    auto body = contracts::decode_create_notification(routed.request.body);
    if (!body) co_return refuse(body.error());
    auto creating = service.create(std::move(*body), std::move(*context));
    const auto created = co_await std::move(creating);
    if (!created) co_return http::problem_response(created.error());
    auto response = http::json_response(201, contracts::encode_notification(created->value));
    response.headers.set("Location", "/notification/" + created->value.id.to_string());
    if (created->replayed) http::mark_replayed(response);
    co_return response;
}

loop::Task<Response> create_bulk(NotificationService& service, const RoutedRequest& routed) {
    auto context = context_of(routed);
    if (!context) co_return http::problem_response(context.error());
    auto body = contracts::decode_bulk_request(routed.request.body);
    if (!body) co_return refuse(body.error());
    auto creating = service.create_bulk(std::move(*body), std::move(*context));
    const auto answer = co_await std::move(creating);
    if (!answer) co_return http::problem_response(answer.error());
    co_return answered(contracts::encode_bulk_answer(answer->value), answer->replayed);
}

loop::Task<Response> list(NotificationService& service, const RoutedRequest& routed) {
    auto request = list_request_of(routed.request);
    if (!request) co_return http::problem_response(request.error());
    auto listing = service.list(std::move(*request));
    const auto page = co_await std::move(listing);
    if (!page) co_return http::problem_response(page.error());
    co_return http::json_response(200, contracts::encode_notification_page(*page));
}

loop::Task<Response> find(NotificationService& service, const RoutedRequest& routed) {
    const auto id = base::NotificationId::parse(routed.path_values.at(0));
    if (!id) co_return http::problem_response(contracts::problem_not_found("The id is no UUID."));
    const auto user = user_of_query(routed.request);
    if (!user) co_return http::problem_response(user.error());
    auto finding = service.find(*user, *id);
    const auto found = co_await std::move(finding);
    if (!found) co_return http::problem_response(found.error());
    co_return http::json_response(200, contracts::encode_notification(*found));
}

loop::Task<Response> unread_count(NotificationService& service, const RoutedRequest& routed) {
    const auto user = user_of_query(routed.request);
    if (!user) co_return http::problem_response(user.error());
    std::vector<base::UserId> users{*user};
    auto counting = service.counts(std::move(users));
    const auto counts = co_await std::move(counting);
    if (!counts) co_return http::problem_response(counts.error());
    const contracts::UnreadCount answer{counts->front().count, counts->front().version};
    co_return http::json_response(200, contracts::encode_unread_count(answer));
}

loop::Task<Response> unread_counts(NotificationService& service, const RoutedRequest& routed) {
    auto body = contracts::decode_unread_counts_request(routed.request.body);
    if (!body) co_return refuse(body.error());
    auto counting = service.counts(std::move(body->user_ids));
    auto counts = co_await std::move(counting);
    if (!counts) co_return http::problem_response(counts.error());
    contracts::UnreadCountsAnswer answer;
    answer.counts = std::move(*counts);
    co_return http::json_response(200, contracts::encode_unread_counts_answer(answer));
}

loop::Task<Response> sync(NotificationService& service, const RoutedRequest& routed) {
    const auto user = user_of_query(routed.request);
    if (!user) co_return http::problem_response(user.error());
    const auto limit = limit_of_query(routed.request, contracts::kSyncLimitDefault);
    if (!limit) co_return http::problem_response(bad_limit());
    const auto text = routed.request.query_value("since");
    const auto since = text ? base::parse_version(*text) : std::nullopt;
    if (!since) co_return http::problem_response(contracts::problem_bad_request("since must be a version"));
    auto syncing = service.sync(*user, *since, *limit);
    const auto answer = co_await std::move(syncing);
    if (!answer) co_return http::problem_response(answer.error());
    co_return http::json_response(200, contracts::encode_sync_answer(*answer));
}

loop::Task<Response> mark_read(NotificationService& service, const RoutedRequest& routed) {
    auto context = context_of(routed);
    if (!context) co_return http::problem_response(context.error());
    const auto id = base::NotificationId::parse(routed.path_values.at(0));
    if (!id) co_return http::problem_response(contracts::problem_not_found("The id is no UUID."));
    const auto body = contracts::decode_internal_read_request(routed.request.body);
    if (!body) co_return refuse(body.error());
    auto marking = service.mark_read(body->user_id, *id, std::move(*context));
    const auto answer = co_await std::move(marking);
    if (!answer) co_return http::problem_response(answer.error());
    co_return answered(contracts::encode_mark_read_answer(answer->value), answer->replayed);
}

loop::Task<Response> mark_read_each(NotificationService& service, const RoutedRequest& routed) {
    auto body = contracts::decode_reads_request(routed.request.body);
    if (!body) co_return refuse(body.error());
    for (auto& mark : body->reads) {
        if (!mark.traceparent.empty()) mark.traceparent = http::continue_trace(mark.traceparent).traceparent;
    }
    auto marking = service.mark_read_each(std::move(body->reads));
    auto marked = co_await std::move(marking);
    contracts::ReadsAnswer answer;
    answer.results.resize(marked.size());
    for (std::size_t i = 0; i < marked.size(); ++i) {
        auto& result = answer.results[i];
        if (marked[i]) {
            result.status = 200;
            result.read = std::move(*marked[i]);
        } else {
            result.status = marked[i].error().status;
            result.problem = marked[i].error();
        }
    }
    co_return http::json_response(200, contracts::encode_reads_answer(answer));
}

loop::Task<Response> read_all(NotificationService& service, const RoutedRequest& routed) {
    auto context = context_of(routed);
    if (!context) co_return http::problem_response(context.error());
    const auto body = contracts::decode_internal_read_all_request(routed.request.body);
    if (!body) co_return refuse(body.error());
    auto reading = service.read_all(body->user_id, body->before, std::move(*context));
    const auto answer = co_await std::move(reading);
    if (!answer) co_return http::problem_response(answer.error());
    co_return answered(contracts::encode_read_all_answer(answer->value), answer->replayed);
}

}  // namespace

void add_notification_routes(http::Router& router, NotificationService& service) {
    using HandlerFunction = loop::Task<Response> (*)(NotificationService&, const RoutedRequest&);
    const auto add = [&](Method method, const char* pattern, HandlerFunction handler, std::size_t body_bytes_max) {
        http::Route route;
        route.method = method;
        route.pattern = pattern;
        route.access = Access::internal();
        route.handler = [&service, handler](const RoutedRequest& routed) { return handler(service, routed); };
        route.body_bytes_max = body_bytes_max;
        router.add(std::move(route));
    };
    add(Method::post, "/notification", create, kBodyBytesMax);
    add(Method::get, "/notification", list, kBodyBytesMax);
    add(Method::post, "/notification/bulk", create_bulk, kBulkBodyBytesMax);
    add(Method::get, "/notification/unread-count", unread_count, kBodyBytesMax);
    add(Method::post, "/notification/unread-counts", unread_counts, kCountsBodyBytesMax);
    add(Method::get, "/notification/sync", sync, kBodyBytesMax);
    add(Method::post, "/notification/read-all", read_all, kBodyBytesMax);
    add(Method::post, "/notification/reads", mark_read_each, kReadsBodyBytesMax);
    add(Method::get, "/notification/{id}", find, kBodyBytesMax);
    add(Method::post, "/notification/{id}/read", mark_read, kBodyBytesMax);
}

}  // namespace carillon::notifications
