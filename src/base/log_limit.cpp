#include "base/log_limit.hpp"

#include <algorithm>
#include <vector>

#include "base/log.hpp"
#include "base/log_enabled.hpp"

namespace carillon::base {
namespace {

struct Limits {
    std::mutex mutex;
    std::vector<LogLimit*> all;  ///< guarded by mutex
    /// Whether any has something to tell: most callers of `report_all` see only this.
    std::atomic<bool> waiting{false};
};

/// Never destroyed: the limits are statics, and end in any order.
Limits& limits() {
    static Limits& one = *new Limits;
    return one;
}

}  // namespace

LogLimit::LogLimit(std::string_view about) : about_{about} {
    const std::lock_guard lock{limits().mutex};
    limits().all.push_back(this);
}

LogLimit::~LogLimit() {
    const std::lock_guard lock{limits().mutex};
    std::erase(limits().all, this);
}

bool LogLimit::take(SteadyTime now) {
    if (!log_enabled(LogLevel::info)) return false;
    const std::lock_guard lock{mutex_};
    const std::chrono::duration<double> since = now - filled_at_;
    tokens_ = std::min(kBurst, tokens_ + std::max(0.0, since.count()) * kPerSecond);
    filled_at_ = now;
    if (tokens_ >= 1) {
        tokens_ -= 1;
        return true;
    }
    if (left_out_.fetch_add(1, std::memory_order_relaxed) == 0) reported_at_ = now;
    limits().waiting.store(true, std::memory_order_relaxed);
    return false;
}

void LogLimit::report(SteadyTime now) {
    std::uint64_t lines = 0;
    {
        const std::lock_guard lock{mutex_};
        if (left_out() == 0 || now - reported_at_ < kReportPause) return;
        reported_at_ = now;
        lines = left_out_.exchange(0, std::memory_order_relaxed);
    }
    log_warn("log lines were left out: too many of a kind", {{"about", about_}, {"lines", lines}});
}

void LogLimit::report_all(SteadyTime now) {
    if (!limits().waiting.load(std::memory_order_relaxed)) return;
    const std::lock_guard lock{limits().mutex};
    limits().waiting.store(false, std::memory_order_relaxed);
    for (LogLimit* const one : limits().all) {
        one->report(now);
        if (one->left_out() > 0) limits().waiting.store(true, std::memory_order_relaxed);
    }
}

}  // namespace carillon::base
