#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.hpp"

namespace carillon::store::postgres {

/// PostgreSQL's `timestamptz` in binary: microseconds since 2000-01-01 00:00 UTC.
inline constexpr base::TimePoint kPostgresEpoch{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1}};

inline std::int64_t to_postgres(base::TimePoint time) {
    return std::chrono::microseconds{time - kPostgresEpoch}.count();
}

inline base::TimePoint from_postgres(std::int64_t microseconds) {
    return kPostgresEpoch + std::chrono::floor<std::chrono::milliseconds>(std::chrono::microseconds{microseconds});
}

}  // namespace carillon::store::postgres
