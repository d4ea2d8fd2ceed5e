#include "auth/auth_routes.hpp"

#include <optional>
#include <string>

#include "contracts/json_writer.hpp"
#include "contracts/rest_bodies.hpp"

namespace carillon::auth {
namespace {

// An address, a password of 256 characters at up to 12 bytes each, a name, and some air.
constexpr std::size_t kBodyBytesMax = 16 * 1024;
constexpr int kRetryAfterSeconds = 1;

int whole_seconds(std::chrono::milliseconds duration) {
    return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

bool is_ambiguous(const http::Request& request) {
    return request.headers.count(kUserAuthorizationHeader) > 1 || request.headers.count(kClientAddressHeader) > 1;
}

http::Response refuse_ambiguous() {
    return http::problem_response(contracts::problem_bad_request("a forwarding header field comes twice"));
}

Client client_of(const http::Request& request) {
    const std::string_view forwarded = request.headers.get(kClientAddressHeader);
    return {forwarded.empty() ? request.remote_address : std::string{forwarded}, request.traceparent};
}

http::Response auth_response(int status, const AuthResult<contracts::AuthAnswer>& result) {
    if (!result) return http::problem_response(to_problem(result.error()));
    return http::json_response(status, contracts::encode_auth_answer(*result));
}

loop::Task<http::Response> handle_register(AuthService& service, const http::RoutedRequest& routed) {
    if (is_ambiguous(routed.request)) co_return refuse_ambiguous();
    auto body = contracts::decode_register_request(routed.request.body);
    if (!body) co_return http::problem_response(contracts::to_problem(body.error()));
    Client client = client_of(routed.request);
    const auto result = co_await service.register_user(std::move(*body), std::move(client));
    co_return auth_response(201, result);
}

loop::Task<http::Response> handle_login(AuthService& service, const http::RoutedRequest& routed) {
    if (is_ambiguous(routed.request)) co_return refuse_ambiguous();
    auto body = contracts::decode_login_request(routed.request.body);
    if (!body) co_return http::problem_response(contracts::to_problem(body.error()));
    Client client = client_of(routed.request);
    const auto result = co_await service.log_in(std::move(*body), std::move(client));
    co_return auth_response(200, result);
}

std::string encode_identity(const AuthService::Identity& identity) {
    contracts::MeAnswer answer{identity.claims.user_id, std::nullopt, std::nullopt, identity.claims.permissions};
    if (identity.account) {
        answer.email = identity.account->email;
        answer.name = identity.account->name;
    }
    return contracts::encode_me_answer(answer);
}

loop::Task<http::Response> handle_me(AuthService& service, const http::RoutedRequest& routed) {
    if (is_ambiguous(routed.request)) co_return refuse_ambiguous();
    std::string authorization{routed.request.headers.get(kUserAuthorizationHeader)};
    const auto result = co_await service.me(std::move(authorization));
    if (!result) co_return http::problem_response(to_problem(result.error()));
    co_return http::json_response(200, encode_identity(*result));
}

loop::Task<http::Response> handle_account(AuthService& service, const http::RoutedRequest& routed) {
    const auto id = base::UserId::parse(routed.path_values.at(0));
    if (!id) co_return http::problem_response(contracts::problem_not_found());
    const auto account = co_await service.account(*id);
    if (!account) co_return http::problem_response(to_problem(account.error()));
    if (!*account) co_return http::problem_response(contracts::problem_not_found("There is no such account."));
    const store::User& user = **account;
    std::string out = "{\"id\":";
    contracts::append_id(out, user.id);
    out += ",\"email\":";
    contracts::append_json_string(out, user.email);
    out += ",\"name\":";
    if (user.name) {
        contracts::append_json_string(out, *user.name);
    } else {
        out += "null";
    }
    out += ",\"createdAt\":";
    contracts::append_time(out, user.created_at);
    out.push_back('}');
    co_return http::json_response(200, std::move(out));
}

loop::Task<http::Response> handle_erase_account(AuthService& service, const http::RoutedRequest& routed) {
    const auto id = base::UserId::parse(routed.path_values.at(0));
    if (!id) co_return http::problem_response(contracts::problem_not_found());
    const auto erased = co_await service.erase_account(*id);
    if (!erased) co_return http::problem_response(to_problem(erased.error()));
    http::Response response;
    response.status = 204;
    co_return response;
}

// Tokens live until they expire, and no cookie has been set: there is nothing to end on this side.
loop::Task<http::Response> handle_logout() {
    http::Response response;
    response.status = 204;
    co_return response;
}

// Kept by others for a while, but not so long that a new key is met before it is known.
loop::Task<http::Response> handle_jwks(const AuthService& service) {
    auto response = http::json_response(200, service.public_keys());
    response.headers.set("cache-control", "public, max-age=60");
    co_return response;
}

}  // namespace

contracts::Problem to_problem(const AuthFailure& failure) {
    if (failure.code == errc::email_taken) return contracts::problem_email_taken();
    if (failure.code == errc::weak_password) {
        return contracts::problem_invalid_payload({{"/password", failure.reason}});
    }
    if (failure.code == errc::invalid_credentials) return contracts::problem_invalid_credentials();
    if (failure.code == errc::rate_limited) {
        const auto wait = failure.retry_after.value_or(std::chrono::seconds{kRetryAfterSeconds});
        return contracts::problem_rate_limited(whole_seconds(wait), "too many attempts from this address");
    }
    if (failure.code == errc::token_absent) return contracts::problem_unauthorized("this needs a user's bearer token");
    if (failure.code == errc::token_expired) return contracts::problem_token_expired();
    if (failure.code == errc::token_invalid) return contracts::problem_token_invalid();
    return contracts::problem_unavailable(kRetryAfterSeconds, "the auth service cannot answer now");
}

void add_auth_routes(http::Router& router, AuthService& service) {
    const auto internal = http::Access::internal();
    router.add({http::Method::post, "/auth/register", internal,
                [&service](const http::RoutedRequest& routed) { return handle_register(service, routed); },
                kBodyBytesMax});
    router.add({http::Method::post, "/auth/login", internal,
                [&service](const http::RoutedRequest& routed) { return handle_login(service, routed); },
                kBodyBytesMax});
    router.add({http::Method::post, "/auth/logout", internal,
                [](const http::RoutedRequest&) { return handle_logout(); }, kBodyBytesMax});
    router.add({http::Method::get, "/auth/me", internal,
                [&service](const http::RoutedRequest& routed) { return handle_me(service, routed); }});
    router.add({http::Method::get, "/users/{id}/account", internal,
                [&service](const http::RoutedRequest& routed) { return handle_account(service, routed); }});
    router.add({http::Method::del, "/users/{id}/account", internal,
                [&service](const http::RoutedRequest& routed) { return handle_erase_account(service, routed); }});
    router.add({http::Method::get, "/.well-known/jwks.json", internal,
                [&service](const http::RoutedRequest&) { return handle_jwks(service); }});
}

}  // namespace carillon::auth
