#include "gateway/public_rest.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/log.hpp"
#include "contracts/rest_bodies.hpp"
#include "http/idempotency.hpp"

namespace carillon::gateway {
namespace {

using http::Access;
using http::Method;
using http::Response;
using http::RoutedRequest;
using loop::Task;

/// Of a user who has an account and nothing else.
const std::string kEmptyInbox =
    R"({"unreadCount":0,"version":"0","notifications":[],"pendingEvents":[],"idempotencyAnswers":[],"nextCursor":null})";

Caller caller_of(const RoutedRequest& request) {
    return {request.user->user_id, request.request.traceparent};
}

/// The caller of a change, with the key.
ApiResult<Caller> keyed_caller_of(const RoutedRequest& request) {
    auto key = http::idempotency_key_of(request.request);
    if (!key) return key.error();
    auto caller = caller_of(request);
    caller.idempotency_key = std::move(*key);
    return caller;
}

Response answered(int status, std::string body, bool replayed) {
    auto response = http::json_response(status, std::move(body));
    if (replayed) http::mark_replayed(response);
    return response;
}

Response problem(const contracts::Problem& what) {
    return http::problem_response(what);
}

int ceil_seconds(std::chrono::milliseconds duration) {
    return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

/// The fields of draft-ietf-httpapi-ratelimit-headers-10: the policy, and what is left of it.
void add_rate_limit_fields(Response& response, std::uint32_t quota, const RateDecision& decision) {
    response.headers.set("RateLimit-Policy", "\"default\";q=" + std::to_string(quota) + ";w=1");
    response.headers.set("RateLimit", "\"default\";r=" + std::to_string(decision.remaining) +
                                          ";t=" + std::to_string(ceil_seconds(decision.full_after)));
}

/// A browser sends the cookie whatever page asks: only our own pages, and those of `--cors-origin` that are named, may.
/// Who sends no Origin is no page.
bool may_use_cookie(const http::Request& request, const std::vector<std::string>& origins) {
    const std::string_view origin = request.headers.get("Origin");
    if (request.headers.get("Sec-Fetch-Site") == "same-origin" || origin.empty()) return true;
    if (std::find(origins.begin(), origins.end(), origin) != origins.end()) return true;
    const auto scheme_end = origin.find("://");
    return scheme_end != std::string_view::npos && origin.substr(scheme_end + 3) == request.headers.get("Host");
}

Task<Response> answer(Response response) {
    co_return response;
}

std::optional<std::uint32_t> parse_limit(std::string_view text) {
    std::uint32_t limit = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (limit < 1 || limit > contracts::kPageLimitMax) return std::nullopt;
    return limit;
}

}  // namespace

void PublicRest::add_routes(http::Router& router) {
    const auto read = Access::permission({token::permission::kRead});
    const auto update = Access::permission({token::permission::kUpdate});
    const auto create_any = Access::permission({token::permission::kCreate, token::permission::kCreateSelf});
    const auto to = [this](Task<Response> (PublicRest::*method)(const RoutedRequest&)) {
        return http::Handler{[this, method](const RoutedRequest& request) { return (this->*method)(request); }};
    };
    const auto add = [&](Method method, const char* pattern, const Access& access,
                         Task<Response> (PublicRest::*handler)(const RoutedRequest&)) {
        const bool open = access.kind == Access::Kind::open;
        http::Route route;
        route.method = method;
        route.pattern = pattern;
        route.access = access;
        route.handler = open ? to(handler) : limited(to(handler));
        router.add(std::move(route));
    };
    add(Method::get, "/notifications", read, &PublicRest::list);
    add(Method::post, "/notifications", create_any, &PublicRest::create);
    add(Method::get, "/notifications/unread-count", read, &PublicRest::unread_count);
    add(Method::post, "/notifications/read-all", update, &PublicRest::read_all);
    add(Method::get, "/notifications/{id}", read, &PublicRest::find);
    add(Method::post, "/notifications/{id}/read", update, &PublicRest::mark_read);
    const auto admin = Access::permission({token::permission::kAdmin});
    add(Method::get, "/admin/users/{id}/data", admin, &PublicRest::export_data);
    add(Method::del, "/admin/users/{id}/data", admin, &PublicRest::erase_data);
    add(Method::post, "/admin/users/{id}/revoke", admin, &PublicRest::revoke);
    // The auth service looks at these itself.
    add(Method::post, "/auth/register", Access::open(), &PublicRest::forward);
    add(Method::post, "/auth/login", Access::open(), &PublicRest::forward);
    add(Method::post, "/auth/refresh", Access::open(), &PublicRest::forward_cookie);
    add(Method::post, "/auth/logout", Access::open(), &PublicRest::forward_cookie);
    add(Method::get, "/auth/me", Access::open(), &PublicRest::forward);
    add(Method::get, "/.well-known/jwks.json", Access::open(), &PublicRest::forward);
}

std::size_t PublicRest::forget_idle_limits() {
    limiter_.forget_idle();
    return limiter_.remembered();
}

http::Handler PublicRest::limited(http::Handler handler) {
    auto shared = std::make_shared<const http::Handler>(std::move(handler));
    return [this, shared](const RoutedRequest& request) { return run_limited(shared, request); };
}

Task<Response> PublicRest::run_limited(std::shared_ptr<const http::Handler> handler, const RoutedRequest& request) {
    const auto limits = limiter_.of(request.user->user_id);
    const auto decision = limits->take(clock_.steady_now());
    Response response;
    if (decision.allowed) {
        response = co_await (*handler)(request);
    } else {
        metrics_.rate_limited.increment();
        response = problem(contracts::problem_rate_limited(ceil_seconds(decision.retry_after), "Too many requests."));
    }
    if (limiter_.per_second() > 0) add_rate_limit_fields(response, limiter_.per_second(), decision);
    co_return response;
}

Task<Response> PublicRest::list(const RoutedRequest& request) {
    const auto limit_text = request.request.query_value("limit");
    const auto limit = limit_text ? parse_limit(*limit_text) : contracts::kPageLimitDefault;
    if (!limit) co_return problem(contracts::problem_bad_request("limit must be 1 to 100"));
    const std::string status = request.request.query_value("status").value_or("all");
    if (status != "all" && status != "unread" && status != "read") {
        co_return problem(contracts::problem_bad_request("status must be all, unread or read"));
    }
    const std::string cursor = request.request.query_value("cursor").value_or("");
    const Caller caller = caller_of(request);
    auto page = co_await notifications_.list(caller, *limit, cursor, status);
    if (!page) co_return problem(page.error());
    contracts::NotificationPage body;
    body.data = std::move(page->notifications);
    body.next_cursor = std::move(page->next_cursor);
    body.unread_count = page->count.unread;
    body.version = page->count.version;
    co_return http::json_response(200, contracts::encode_notification_page(body));
}

Task<Response> PublicRest::unread_count(const RoutedRequest& request) {
    const std::vector<base::UserId> users(1, request.user->user_id);
    const auto counts = co_await notifications_.counts(users);
    if (!counts) co_return problem(counts.error());
    if (counts->size() != 1) co_return problem(contracts::problem_internal());
    const auto& count = counts->front();
    co_return http::json_response(200, contracts::encode_unread_count({count.unread, count.version}));
}

Task<Response> PublicRest::find(const RoutedRequest& request) {
    const auto id = base::NotificationId::parse(request.path_values.at(0));
    if (!id) co_return problem(contracts::problem_not_found());
    const Caller caller = caller_of(request);
    const auto notification = co_await notifications_.find(caller, *id);
    if (!notification) co_return problem(notification.error());
    co_return http::json_response(200, contracts::encode_notification(*notification));
}

Task<Response> PublicRest::mark_read(const RoutedRequest& request) {
    const auto caller = keyed_caller_of(request);
    if (!caller) co_return problem(caller.error());
    const auto id = base::NotificationId::parse(request.path_values.at(0));
    if (!id) co_return problem(contracts::problem_not_found());
    const auto answer = co_await notifications_.mark_read(*caller, *id);
    if (!answer) co_return problem(answer.error());
    const contracts::MarkReadAnswer body{answer->id, answer->read_at, answer->count.unread, answer->count.version};
    co_return answered(200, contracts::encode_mark_read_answer(body), answer->replayed);
}

Task<Response> PublicRest::read_all(const RoutedRequest& request) {
    const auto caller = keyed_caller_of(request);
    if (!caller) co_return problem(caller.error());
    const auto body = contracts::decode_read_all_request(request.request.body);
    if (!body) co_return problem(contracts::to_problem(body.error()));
    const auto answer = co_await notifications_.read_all(*caller, body->before);
    if (!answer) co_return problem(answer.error());
    const contracts::ReadAllAnswer encoded{answer->updated, answer->count.unread, answer->count.version};
    co_return answered(200, contracts::encode_read_all_answer(encoded), answer->replayed);
}

Task<Response> PublicRest::create(const RoutedRequest& request) {
    auto caller = keyed_caller_of(request);
    if (!caller) return answer(problem(caller.error()));
    auto body = contracts::decode_create_notification(request.request.body);
    if (!body) return answer(problem(contracts::to_problem(body.error())));
    const bool own = body->user_id == request.user->user_id;
    if (!request.user->may(token::permission::kCreate) && !own) {
        return answer(
            problem(contracts::problem_forbidden("The token may create notifications for its own user only.")));
    }
    return create_checked(std::move(*caller), {body->user_id, std::move(body->type), std::move(body->title),
                                               std::move(body->body), std::move(body->data_json)});
}

Task<Response> PublicRest::create_checked(Caller caller, NewNotification notification) {
    const auto created = co_await notifications_.create(std::move(caller), std::move(notification));
    if (!created) co_return problem(created.error());
    Response response = answered(201, contracts::encode_notification(created->notification), created->replayed);
    response.headers.set("Location", "/notifications/" + created->notification.id.to_string());
    co_return response;
}

Task<Response> PublicRest::account_of(base::UserId user, Method method, std::string traceparent) {
    http::Request request;
    request.method = method;
    request.path = "/users/" + user.to_string() + "/account";
    request.target = request.path;
    request.traceparent = std::move(traceparent);
    co_return co_await accounts_.forward(request);
}

Task<Response> PublicRest::export_data(const RoutedRequest& request) {
    const auto user = base::UserId::parse(request.path_values.at(0));
    if (!user) co_return problem(contracts::problem_not_found());
    const auto limit_text = request.request.query_value("limit");
    const auto limit = limit_text ? parse_limit(*limit_text) : contracts::kPageLimitMax;
    if (!limit) co_return problem(contracts::problem_bad_request("limit must be 1 to 100"));
    const Response account = co_await account_of(*user, Method::get, request.request.traceparent);
    if (account.status != 200 && account.status != 404) co_return account;
    const Caller subject{*user, request.request.traceparent};
    const std::string cursor = request.request.query_value("cursor").value_or("");
    const auto inbox = co_await notifications_.export_data(subject, cursor, *limit);
    if (!inbox && (inbox.error().status != 404 || account.status == 404)) co_return problem(inbox.error());
    co_return http::json_response(200, R"({"userId":")" + user->to_string() + R"(","account":)" +
                                           (account.status == 200 ? account.body : "null") + R"(,"inbox":)" +
                                           (inbox ? *inbox : kEmptyInbox) + "}");
}

// The account first: from then on nobody logs in and nothing new comes from it.
Task<Response> PublicRest::erase_data(const RoutedRequest& request) {
    const auto key = http::idempotency_key_of(request.request);
    if (!key) co_return problem(key.error());
    const auto user = base::UserId::parse(request.path_values.at(0));
    if (!user) co_return problem(contracts::problem_not_found());
    const Response known = co_await account_of(*user, Method::get, request.request.traceparent);
    if (known.status != 200 && known.status != 404) co_return known;
    const Response account = co_await account_of(*user, Method::del, request.request.traceparent);
    if (account.status != 204) co_return account;
    const Caller subject{*user, request.request.traceparent};
    const auto erased = co_await notifications_.erase_data(subject);
    // Last: the user's clients hear that everything is gone before they are sent away. But whatever came of it: the
    // next try finds no account any more. Who has none here lives in somebody else's identity provider, and goes on
    // living there.
    if (known.status == 200) {
        const Response revoked = co_await revoke_tokens(*user, request, {}, {});
        if (revoked.status != 200) co_return revoked;
    }
    if (!erased) co_return problem(erased.error());
    base::log_info("a user was erased", {{"user", user->to_string()}, {"by", request.user->user_id.to_string()}});
    Response response;
    response.status = 204;
    co_return response;
}

Task<Response> PublicRest::revoke(const RoutedRequest& request) {
    const auto key = http::idempotency_key_of(request.request);
    if (!key) co_return problem(key.error());
    const auto user = base::UserId::parse(request.path_values.at(0));
    if (!user) co_return problem(contracts::problem_not_found());
    co_return co_await revoke_tokens(*user, request, request.request.body, *key);
}

Task<Response> PublicRest::revoke_tokens(base::UserId user, const RoutedRequest& request, std::string body,
                                         std::string key) {
    http::Request forwarded;
    forwarded.method = Method::post;
    forwarded.path = "/users/" + user.to_string() + "/revocations";
    forwarded.target = forwarded.path;
    forwarded.body = std::move(body);
    forwarded.traceparent = request.request.traceparent;
    if (!forwarded.body.empty()) forwarded.headers.set("Content-Type", "application/json");
    if (!key.empty()) forwarded.headers.set(std::string{http::kIdempotencyKeyHeader}, std::move(key));
    forwarded.headers.set(std::string{kAdministratorHeader}, request.user->user_id.to_string());
    co_return co_await accounts_.forward(forwarded);
}

Task<Response> PublicRest::forward_cookie(const RoutedRequest& request) {
    if (!may_use_cookie(request.request, origins_)) {
        return answer(problem(contracts::problem_forbidden("Pages of this origin may not use the cookie.")));
    }
    return forward(request);
}

Task<Response> PublicRest::forward(const RoutedRequest& request) {
    co_return co_await accounts_.forward(request.request);
}

}  // namespace carillon::gateway
