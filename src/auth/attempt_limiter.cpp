#include "auth/attempt_limiter.hpp"

#include <algorithm>

namespace carillon::auth {

AttemptLimiter::AttemptLimiter(const base::Clock& clock, Limits limits) : clock_{clock}, limits_{limits} {}

std::optional<std::chrono::milliseconds> AttemptLimiter::take(std::string_view key) {
    if (limits_.attempts == 0) return std::nullopt;
    const auto now = clock_.steady_now();
    const auto window_start = now - limits_.window;
    const std::lock_guard lock{mutex_};
    forget_idle(window_start);
    auto& attempts = touch(key).attempts;
    const auto first_inside = std::upper_bound(attempts.begin(), attempts.end(), window_start);
    attempts.erase(attempts.begin(), first_inside);
    if (attempts.size() >= limits_.attempts) {
        return std::chrono::ceil<std::chrono::milliseconds>(attempts.front() - window_start);
    }
    attempts.push_back(now);
    return std::nullopt;
}

void AttemptLimiter::give_back(std::string_view key) {
    const std::lock_guard lock{mutex_};
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    const auto entry = found->second;
    if (!entry->attempts.empty()) entry->attempts.pop_back();
    if (entry->attempts.empty()) {
        index_.erase(found);
        entries_.erase(entry);
    }
}

std::size_t AttemptLimiter::size() const {
    const std::lock_guard lock{mutex_};
    return entries_.size();
}

// The entry of `key`, made when missing, now the latest used.
AttemptLimiter::Entry& AttemptLimiter::touch(std::string_view key) {
    if (const auto found = index_.find(key); found != index_.end()) {
        entries_.splice(entries_.begin(), entries_, found->second);
        return entries_.front();
    }
    if (entries_.size() >= limits_.keys_max && !entries_.empty()) {
        index_.erase(entries_.back().key);
        entries_.pop_back();
    }
    entries_.push_front({std::string{key}, {}});
    index_.emplace(entries_.front().key, entries_.begin());
    return entries_.front();
}

// A refused attempt moves its entry to the front as well, so an idle entry may hide behind it for a while; keys_max
// holds all the same.
void AttemptLimiter::forget_idle(base::SteadyTime window_start) {
    while (!entries_.empty()) {
        const Entry& last = entries_.back();
        if (!last.attempts.empty() && last.attempts.back() > window_start) return;
        index_.erase(last.key);
        entries_.pop_back();
    }
}

}  // namespace carillon::auth
