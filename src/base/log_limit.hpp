#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace carillon::base {

/// For lines that anybody can cause as often as he likes: so many at once, then so many a second; the others are left
/// out, and one line tells how many. A limit lives as long as the process (a static). Thread: any.
class LogLimit {
 public:
    static constexpr double kBurst = 100;
    static constexpr double kPerSecond = 20;
    /// Between two lines that tell how many were left out.
    static constexpr std::chrono::seconds kReportPause{1};

    /// `about`: whose lines, for the line that tells of them.
    explicit LogLimit(std::string_view about);
    ~LogLimit();
    LogLimit(const LogLimit&) = delete;
    LogLimit& operator=(const LogLimit&) = delete;

    /// Whether the caller is to write its line (level info) now.
    bool take(SteadyTime now);
    /// Tells how many were left out, when it is time to.
    void report(SteadyTime now);
    std::uint64_t left_out() const { return left_out_.load(std::memory_order_relaxed); }

    /// All limits of the process: for whoever comes by often, so that the end of a flood is told too.
    static void report_all(SteadyTime now);

 private:
    const std::string about_;
    std::atomic<std::uint64_t> left_out_{0};  ///< since the last report
    std::mutex mutex_;
    // Guarded by mutex_.
    double tokens_ = kBurst;
    SteadyTime filled_at_{};
    SteadyTime reported_at_{};
};

}  // namespace carillon::base
