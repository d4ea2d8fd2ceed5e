#include "gateway/user_limits.hpp"

#include <algorithm>

namespace carillon::gateway {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kFloodFactor = 10;
constexpr std::uint64_t kFloodCountBits = 20;
constexpr std::uint64_t kFloodCountMax = (1ULL << kFloodCountBits) - 1;

std::int64_t to_ns(base::SteadyTime time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

std::chrono::milliseconds ceil_ms(std::int64_t ns) {
    return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds{std::max<std::int64_t>(ns, 0)});
}

}  // namespace

RateDecision UserLimits::take(base::SteadyTime now_time) {
    RateDecision decision;
    if (per_second_ == 0) return decision;
    decision.flooding = count_towards_flood(now_time);

    const std::int64_t now = to_ns(now_time);
    const std::int64_t interval = kSecondNs / per_second_;
    const std::int64_t size = interval * per_second_;
    std::int64_t full_at = full_at_ns_.load();
    while (true) {
        const std::int64_t next = std::max(full_at, now) + interval;
        decision.allowed = next - now <= size;
        if (!decision.allowed) {
            decision.retry_after = std::max(ceil_ms(next - now - size), std::chrono::milliseconds{1});
            decision.full_after = ceil_ms(full_at - now);
            return decision;
        }
        if (!full_at_ns_.compare_exchange_weak(full_at, next)) continue;
        decision.remaining = static_cast<std::uint32_t>((size - (next - now)) / interval);
        decision.full_after = ceil_ms(next - now);
        return decision;
    }
}

bool UserLimits::count_towards_flood(base::SteadyTime now) {
    const auto now_ms = static_cast<std::uint64_t>(to_ns(now) / 1'000'000);
    std::uint64_t window = flood_window_.load();
    std::uint64_t next = 0;
    do {
        const bool same_second = now_ms - (window >> kFloodCountBits) < 1'000;
        const std::uint64_t count = std::min(same_second ? (window & kFloodCountMax) + 1 : 1, kFloodCountMax);
        next = ((same_second ? window >> kFloodCountBits : now_ms) << kFloodCountBits) | count;
    } while (!flood_window_.compare_exchange_weak(window, next));
    return (next & kFloodCountMax) > std::min(kFloodFactor * per_second_, kFloodCountMax - 1);
}

bool UserLimits::try_add_socket(std::uint32_t most) {
    std::uint32_t count = sockets_.load();
    do {
        if (count >= most) return false;
    } while (!sockets_.compare_exchange_weak(count, count + 1));
    return true;
}

bool UserLimits::idle(base::SteadyTime now) const {
    return sockets_.load() == 0 && full_at_ns_.load() <= to_ns(now);
}

}  // namespace carillon::gateway
