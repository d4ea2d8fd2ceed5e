#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"

namespace carillon::loadtest {

/// How many messages each user may send: a bucket of one second's worth that refills evenly, as gateways limit them.
/// Kept as one time for each user (the generic cell rate algorithm).
class MessageAllowance {
 public:
    /// `per_second` 0: no limit.
    MessageAllowance(std::size_t users, double per_second)
        : gap_{per_second > 0 ? static_cast<std::int64_t>(1e9 / per_second) : 0},
          burst_{gap_ * std::max<std::int64_t>(static_cast<std::int64_t>(per_second) - 1, 0)},
          full_at_(users) {}

    /// When the user may send the next one: in the past when now is all right.
    base::SteadyTime earliest(std::uint32_t user) const { return full_at_[user] - burst_; }
    void take(std::uint32_t user, base::SteadyTime when) { full_at_[user] = std::max(full_at_[user], when) + gap_; }

 private:
    const std::chrono::nanoseconds gap_;
    const std::chrono::nanoseconds burst_;
    std::vector<base::SteadyTime> full_at_;  ///< by user: when its bucket will be full again
};

}  // namespace carillon::loadtest
