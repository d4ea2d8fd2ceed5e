#include "gateway/reply.hpp"

#include <utility>

namespace carillon::gateway {
namespace {

contracts::AckErrorCode ack_code(const contracts::Problem& problem) {
    using contracts::AckErrorCode;
    switch (problem.status) {
        case 400:
        case 413:
        case 422:
            return AckErrorCode::invalid_payload;
        case 403:
            return AckErrorCode::forbidden;
        case 404:
            return AckErrorCode::not_found;
        case 409:  // something of the same kind is under way: try again
        case 503:
            return AckErrorCode::unavailable;
        case 429:
            return AckErrorCode::rate_limited;
        default:
            return AckErrorCode::internal;
    }
}

}  // namespace

void Reply::ok(std::string_view ack_json) {
    if (std::exchange(answered_, true)) return;
    if (ack_) ack_({ack_json});
}

void Reply::error(const contracts::AckError& error) {
    if (std::exchange(answered_, true)) return;
    if (ack_) {
        const std::string json = contracts::encode_ack_error(error);
        ack_({json});
        return;
    }
    if (const auto socket = socket_.lock()) {
        const std::string json = contracts::encode_error_event(error);
        socket->emit(contracts::kErrorEvent, {json});
        metrics_.sent(contracts::kErrorEvent, 1);
    }
}

contracts::AckError to_ack_error(const contracts::Problem& problem) {
    contracts::AckError error;
    error.code = ack_code(problem);
    error.message = problem.detail.empty() ? problem.title : problem.detail;
    if (error.message.empty()) error.message = "The request failed.";
    const bool again =
        error.code == contracts::AckErrorCode::unavailable || error.code == contracts::AckErrorCode::rate_limited;
    if (again) error.retry_after_ms = static_cast<std::uint64_t>(problem.retry_after_s.value_or(1)) * 1'000;
    return error;
}

}  // namespace carillon::gateway
