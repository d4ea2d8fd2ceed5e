#include "http/idempotency.hpp"
#include "http/router.hpp"

namespace carillon::http {
namespace {

constexpr int kRetryAfterSeconds = 1;

/// RFC 6750 section 3: no `error` when the request carried no token.
std::string challenge(const contracts::Problem& problem) {
    std::string out = "Bearer realm=\"carillon\"";
    if (problem.code == "token_expired") {
        out += ", error=\"invalid_token\", error_description=\"The token has expired\"";
    } else if (problem.code == "token_invalid") {
        out += ", error=\"invalid_token\"";
    }
    return out;
}

}  // namespace

Response problem_response(const contracts::Problem& problem) {
    Response response = json_response(problem.status, contracts::encode_problem(problem));
    response.headers.set("Content-Type", std::string{contracts::kProblemContentType});
    if (problem.status == 401) response.headers.add("WWW-Authenticate", challenge(problem));
    if (problem.replayed) mark_replayed(response);
    if (!problem.allow.empty()) response.headers.add("Allow", problem.allow);
    if (problem.retry_after_s) {
        response.headers.add("Retry-After", std::to_string(*problem.retry_after_s));
    } else if (problem.status == 503 || problem.status == 429) {
        response.headers.add("Retry-After", std::to_string(kRetryAfterSeconds));
    }
    return response;
}

}  // namespace carillon::http
