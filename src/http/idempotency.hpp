#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "contracts/problem.hpp"
#include "http/message.hpp"

/// The header fields that make a request repeatable.
namespace carillon::http {

inline constexpr std::string_view kIdempotencyKeyHeader = "Idempotency-Key";
inline constexpr std::string_view kIdempotencyReplayedHeader = "Idempotency-Replayed";
inline constexpr std::size_t kIdempotencyKeyBytesMax = 255;

/// The key that came with the request, empty without one. 400 unless it is one field of 1 to 255 visible ASCII
/// characters.
base::Result<std::string, contracts::Problem> idempotency_key_of(const Request& request);

/// Says that the answer is the one that the first request with the key got.
void mark_replayed(Response& response);

}  // namespace carillon::http
