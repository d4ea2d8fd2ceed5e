#include "app/service_client.hpp"

#include <charconv>

#include "base/log.hpp"

namespace carillon::app {
namespace {

constexpr int kRetryAfterSeconds = 1;

}  // namespace

ServiceClient::ServiceClient(http::ClientPool& pool, const token::InternalTokens& tokens, const base::Clock& clock,
                             std::string service)
    : pool_{pool}, tokens_{tokens}, clock_{clock}, service_{std::move(service)} {}

contracts::Problem ServiceClient::unavailable() const {
    return contracts::problem_unavailable(kRetryAfterSeconds, "The " + service_ + " service is not available.");
}

loop::Task<base::Result<http::Response, contracts::Problem>> ServiceClient::send(http::Call call,
                                                                                 Refusals call_refusals) {
    call.headers.set("Authorization", "Bearer " + tokens_.sign("gateway", clock_.now()));
    if (!call.body.empty() && !call.headers.has("Content-Type")) call.headers.set("Content-Type", "application/json");
    auto sending = pool_.send(std::move(call));
    auto answer = co_await std::move(sending);
    if (!answer) co_return unavailable();
    if (answer->status == 401 && call_refusals == Refusals::are_mistakes) {
        const auto code = problem_of(*answer).code;
        if (code == "unauthorized" || code == "token_invalid" || code == "token_expired") {
            if (!refused_.exchange(true)) {
                base::log_error(
                    "a service refuses the internal token",
                    {{"service", service_},
                     {"code", code},
                     {"do", code == "token_expired"
                                ? "set the clocks of both machines: they differ by a minute or more"
                                : "give all services the same --internal-secret, and look at their clocks"}});
            }
            co_return unavailable();
        }
    }
    if (call_refusals == Refusals::are_mistakes && refused_.exchange(false)) {
        base::log_info("a service takes the internal token again", {{"service", service_}});
    }
    co_return std::move(*answer);
}

loop::Task<bool> ServiceClient::ready() {
    http::Call call;
    call.target = "/readyz";
    call.repeatable = true;
    auto sending = pool_.send(std::move(call));
    const auto answer = co_await std::move(sending);
    // With --ops-port it is not served there; an answer shows that the service is.
    co_return answer && (answer->status == 200 || answer->status == 404);
}

contracts::Problem problem_of(const http::Response& response) {
    auto problem = contracts::decode_problem(response.body);
    if (!problem) {
        return response.status == 503 ? contracts::problem_unavailable(kRetryAfterSeconds)
                                      : contracts::problem_internal();
    }
    const auto text = response.headers.get("Retry-After");
    int seconds = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), seconds).ec == std::errc{}) {
        problem->retry_after_s = seconds;
    }
    return std::move(*problem);
}

std::string query_encoded(std::string_view text) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.' || byte == '~';
        if (plain) {
            out.push_back(c);
        } else {
            out += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
        }
    }
    return out;
}

}  // namespace carillon::app
