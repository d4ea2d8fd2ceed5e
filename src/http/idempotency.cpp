#include "http/idempotency.hpp"

#include <algorithm>

namespace carillon::http {
namespace {

bool is_visible(char c) {
    return c > ' ' && c < '\x7F';
}

}  // namespace

base::Result<std::string, contracts::Problem> idempotency_key_of(const Request& request) {
    const auto fields = request.headers.count(kIdempotencyKeyHeader);
    if (fields == 0) return std::string{};
    if (fields > 1) return contracts::problem_bad_request("Idempotency-Key comes twice");
    const auto key = request.headers.get(kIdempotencyKeyHeader);
    if (key.empty() || key.size() > kIdempotencyKeyBytesMax || !std::all_of(key.begin(), key.end(), is_visible)) {
        return contracts::problem_bad_request("Idempotency-Key must be 1 to 255 visible ASCII characters");
    }
    return std::string{key};
}

void mark_replayed(Response& response) {
    response.headers.set(std::string{kIdempotencyReplayedHeader}, "true");
}

}  // namespace carillon::http
