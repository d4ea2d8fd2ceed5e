#include "gateway/rate_limiter.hpp"

#include <algorithm>

namespace carillon::gateway {

std::shared_ptr<UserLimits> RateLimiter::of(base::UserId user) {
    const std::scoped_lock lock{mutex_};
    if (const auto found = users_.find(user); found != users_.end()) return found->second;
    if (users_.size() >= next_sweep_at_size_) forget_idle_locked();
    return users_.emplace(user, std::make_shared<UserLimits>(per_second_)).first->second;
}

std::size_t RateLimiter::remembered() const {
    const std::scoped_lock lock{mutex_};
    return users_.size();
}

void RateLimiter::forget_idle() {
    const std::scoped_lock lock{mutex_};
    forget_idle_locked();
}

void RateLimiter::forget_idle_locked() {
    const auto now = clock_.steady_now();
    // Nobody can take a new reference meanwhile: that needs the lock.
    std::erase_if(users_,
                  [now](const auto& entry) { return entry.second.use_count() == 1 && entry.second->idle(now); });
    next_sweep_at_size_ = std::max<std::size_t>(1'024, users_.size() * 2);
}

}  // namespace carillon::gateway
