#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "gateway/user_limits.hpp"

namespace carillon::gateway {

/// The limits of every user seen lately. A user who disconnects and comes back finds the same bucket, so reconnecting
/// does not refill it; one who has no socket and a full bucket is forgotten. Memory is bounded by the users who hold a
/// socket or sent something within the last second (times two, because forgetting is amortised over look-ups).
/// Thread: any. The lock is taken at connect (and per REST request), not per message.
class RateLimiter {
 public:
    RateLimiter(const base::Clock& clock, std::uint32_t per_second) : clock_{clock}, per_second_{per_second} {}

    std::shared_ptr<UserLimits> of(base::UserId user);
    /// A bucket that belongs to one socket that has not said who it is.
    std::shared_ptr<UserLimits> anonymous() const { return std::make_shared<UserLimits>(per_second_); }
    std::uint32_t per_second() const { return per_second_; }
    std::size_t remembered() const;
    void forget_idle();

 private:
    void forget_idle_locked();

    // Constant after construction.
    const base::Clock& clock_;
    const std::uint32_t per_second_;

    mutable std::mutex mutex_;
    // Guarded by mutex_.
    std::unordered_map<base::UserId, std::shared_ptr<UserLimits>> users_;
    std::size_t next_sweep_at_size_ = 1'024;
};

}  // namespace carillon::gateway
