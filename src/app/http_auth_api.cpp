#include "app/http_auth_api.hpp"

#include <algorithm>

#include "auth/auth_routes.hpp"
#include "http/router.hpp"

namespace carillon::app {
namespace {

static_assert(gateway::kAdministratorHeader == auth::kAdministratorHeader);

/// What the auth service looks at; all else stays here.
constexpr std::string_view kForwarded[] = {"Content-Type", "Cookie", "Idempotency-Key", "Origin",
                                           auth::kAdministratorHeader};
/// What belongs to the connection between the two, or is the gateway's to say.
constexpr std::string_view kOwn[] = {"Connection",        "Keep-Alive", "Content-Length",
                                     "Transfer-Encoding", "Date",       "Server"};

bool is_own(std::string_view name) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::any_of(std::begin(kOwn), std::end(kOwn), [&](std::string_view own) {
        return std::equal(own.begin(), own.end(), name.begin(), name.end(),
                          [&](char a, char b) { return lower(a) == lower(b); });
    });
}

}  // namespace

loop::Task<http::Response> HttpAuthApi::forward(http::Request& request) {
    http::Call call;
    call.method = request.method;
    call.target = request.path;
    call.body = request.body;
    // Registering twice makes a conflict of a success, and a log-in counts.
    call.repeatable = request.method == http::Method::get || request.method == http::Method::del;
    for (const auto name : kForwarded) {
        const auto value = request.headers.get(name);
        if (!value.empty()) call.headers.set(std::string{name}, std::string{value});
    }
    call.headers.set("traceparent", request.traceparent);
    call.headers.set(std::string{auth::kUserAuthorizationHeader}, std::string{request.headers.get("Authorization")});
    call.headers.set(std::string{auth::kClientAddressHeader}, request.remote_address);
    call.headers.set(std::string{auth::kClientProtoHeader}, request.over_tls ? "https" : "http");
    // Only these two look at what a user showed: elsewhere a refusal can only be of our own token.
    const bool mistakes = request.path != "/auth/me" && request.path != "/auth/refresh";
    const auto refusals = mistakes ? ServiceClient::Refusals::are_mistakes : ServiceClient::Refusals::are_answers;
    auto sending = client_.send(std::move(call), refusals);
    auto answer = co_await std::move(sending);
    if (!answer) co_return http::problem_response(answer.error());
    http::Response response;
    response.status = answer->status;
    for (const auto& [name, value] : answer->headers.all()) {
        if (!is_own(name)) response.headers.add(name, value);
    }
    response.body = std::move(answer->body);
    co_return response;
}

}  // namespace carillon::app
