#include "auth/auth_routes.hpp"

#include <charconv>
#include <optional>
#include <string>

#include "auth/refresh_cookie.hpp"
#include "contracts/json_writer.hpp"
#include "contracts/rest_bodies.hpp"
#include "contracts/revocations.hpp"
#include "http/idempotency.hpp"

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

http::Response auth_response(int status, const http::Request& request, const AuthResult<LoggedIn>& result) {
    if (!result) return http::problem_response(to_problem(result.error()));
    auto response = http::json_response(status, contracts::encode_auth_answer(*result));
    if (!result->refresh_token.empty()) {
        set_refresh_cookie(response, result->refresh_token, result->refresh_lifetime, came_over_tls(request));
    }
    return response;
}

loop::Task<http::Response> handle_register(AuthService& service, const http::RoutedRequest& routed) {
    if (is_ambiguous(routed.request)) co_return refuse_ambiguous();
    auto body = contracts::decode_register_request(routed.request.body);
    if (!body) co_return http::problem_response(contracts::to_problem(body.error()));
    Client client = client_of(routed.request);
    const auto result = co_await service.register_user(std::move(*body), std::move(client));
    co_return auth_response(201, routed.request, result);
}

loop::Task<http::Response> handle_login(AuthService& service, const http::RoutedRequest& routed) {
    if (is_ambiguous(routed.request)) co_return refuse_ambiguous();
    auto body = contracts::decode_login_request(routed.request.body);
    if (!body) co_return http::problem_response(contracts::to_problem(body.error()));
    Client client = client_of(routed.request);
    const auto result = co_await service.log_in(std::move(*body), std::move(client));
    co_return auth_response(200, routed.request, result);
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

loop::Task<http::Response> handle_refresh(AuthService& service, const http::RoutedRequest& routed) {
    if (is_ambiguous(routed.request)) co_return refuse_ambiguous();
    std::string token = refresh_cookie_of(routed.request);
    Client client = client_of(routed.request);
    const auto result = co_await service.refresh(std::move(token), std::move(client));
    auto response = auth_response(200, routed.request, result);
    // It will never be good again: the browser need not keep it.
    if (response.status == 401) clear_refresh_cookie(response, came_over_tls(routed.request));
    co_return response;
}

// The cookie goes in any case; 503 says that the session may live on.
loop::Task<http::Response> handle_logout(AuthService& service, const http::RoutedRequest& routed) {
    std::string token = refresh_cookie_of(routed.request);
    const auto result = co_await service.log_out(std::move(token));
    http::Response response;
    response.status = 204;
    if (!result) response = http::problem_response(to_problem(result.error()));
    clear_refresh_cookie(response, came_over_tls(routed.request));
    co_return response;
}

loop::Task<http::Response> handle_revoke(AuthService& service, const http::RoutedRequest& routed) {
    const auto user = base::UserId::parse(routed.path_values.at(0));
    if (!user) co_return http::problem_response(contracts::problem_not_found());
    auto key = http::idempotency_key_of(routed.request);
    if (!key) co_return http::problem_response(key.error());
    auto body = contracts::decode_revoke_request(routed.request.body);
    if (!body) co_return http::problem_response(contracts::to_problem(body.error()));
    if (body->token_id && body->issued_before) {
        co_return http::problem_response(
            contracts::problem_invalid_payload({{"/issuedBefore", "must not stand beside tokenId"}}));
    }
    AuthService::Administrator administrator{std::string{routed.request.headers.get(kAdministratorHeader)},
                                             std::move(*key), routed.request.traceparent};
    const auto added = co_await service.revoke(*user, std::move(*body), std::move(administrator));
    if (!added) co_return http::problem_response(to_problem(added.error()));
    const auto& made = added->revocation;
    auto response = http::json_response(200, contracts::encode_revocation({made.user, made.token_id, made.issued_before,
                                                                           made.revoked_at, made.expires_at}));
    if (added->replayed) http::mark_replayed(response);
    co_return response;
}

std::optional<store::RevocationStore::Position> position_of(const std::vector<std::string>& values) {
    std::int64_t milliseconds = 0;
    const std::string& text = values.at(0);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), milliseconds);
    const auto id = store::RevocationId::parse(values.at(1));
    if (error != std::errc{} || end != text.data() + text.size() || !id) return std::nullopt;
    return store::RevocationStore::Position{base::TimePoint{std::chrono::milliseconds{milliseconds}}, *id};
}

loop::Task<http::Response> handle_revocations(AuthService& service, const http::RoutedRequest& routed) {
    const auto after = position_of(routed.path_values);
    if (!after) co_return http::problem_response(contracts::problem_not_found());
    const auto answer = co_await service.revocations(*after);
    if (!answer) co_return http::problem_response(to_problem(answer.error()));
    co_return http::json_response(200, contracts::encode_revocations_answer(*answer));
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
    if (failure.code == errc::revocation_in_future) {
        return contracts::problem_invalid_payload({{"/issuedBefore", "must not be in the future"}});
    }
    if (failure.code == errc::key_reused) return contracts::problem_idempotency_mismatch();
    if (failure.code == errc::invalid_credentials) return contracts::problem_invalid_credentials();
    if (failure.code == errc::rate_limited) {
        const auto wait = failure.retry_after.value_or(std::chrono::seconds{kRetryAfterSeconds});
        return contracts::problem_rate_limited(whole_seconds(wait), "too many attempts from this address");
    }
    if (failure.code == errc::token_absent) return contracts::problem_unauthorized("this needs a user's token");
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
                [&service](const http::RoutedRequest& routed) { return handle_logout(service, routed); },
                kBodyBytesMax});
    router.add({http::Method::post, "/auth/refresh", internal,
                [&service](const http::RoutedRequest& routed) { return handle_refresh(service, routed); },
                kBodyBytesMax});
    router.add({http::Method::post, "/users/{id}/revocations", internal,
                [&service](const http::RoutedRequest& routed) { return handle_revoke(service, routed); },
                kBodyBytesMax});
    router.add({http::Method::get, "/revocations/{since}/{after}", internal,
                [&service](const http::RoutedRequest& routed) { return handle_revocations(service, routed); }});
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
