#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/clock.hpp"

namespace carillon::gateway {

/// What the bucket says to one more message.
struct RateDecision {
    bool allowed = true;
    /// Past ten times the limit within a second: whoever sent this is to be cut off.
    bool flooding = false;
    /// When refused: until the next one would be allowed.
    std::chrono::milliseconds retry_after{0};
    /// Whole messages left at this moment.
    std::uint32_t remaining = 0;
    /// Until the bucket is full again.
    std::chrono::milliseconds full_after{0};
};

/// What one user may do on this gateway, over all of the user's sockets on all shards: a token bucket and the number of
/// sockets. Found once, when a socket connects, and then shared.
///
/// The bucket has the size of the limit and refills evenly (GCRA: one atomic number, the time at which it is full
/// again). Thread: any, without locks.
class UserLimits {
 public:
    /// `per_second` 0: no limit.
    explicit UserLimits(std::uint32_t per_second) : per_second_{per_second} {}

    /// Takes one message, if there is room. Every call counts towards flooding.
    RateDecision take(base::SteadyTime now);

    /// Counts one more socket unless there are `most` already.
    [[nodiscard]] bool try_add_socket(std::uint32_t most);
    void remove_socket() { sockets_.fetch_sub(1); }
    std::uint32_t sockets() const { return sockets_.load(); }

    /// Nothing would be lost if this were forgotten: the bucket is full and there is no socket.
    bool idle(base::SteadyTime now) const;

 private:
    bool count_towards_flood(base::SteadyTime now);

    // Constant after construction.
    const std::uint32_t per_second_;

    std::atomic<std::int64_t> full_at_ns_{0};
    /// Start of the current second in milliseconds (upper 44 bits) and messages since then (lower 20 bits).
    std::atomic<std::uint64_t> flood_window_{0};
    std::atomic<std::uint32_t> sockets_{0};
};

}  // namespace carillon::gateway
