#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace carillon::loadtest {

/// Counts durations in buckets whose width grows with the value: 128 to each power of two, so that every quantile is
/// right to within 0.8 %, from 1 ns to more than an hour, in a fixed 40 KB. Longer ones count as the longest.
class LatencyHistogram {
 public:
    using Duration = std::chrono::nanoseconds;

    LatencyHistogram();
    void add(Duration value);
    void merge(const LatencyHistogram& other);
    void clear();

    std::uint64_t count() const { return count_; }
    Duration max() const { return max_; }
    Duration mean() const;
    /// The smallest value that at least the share `q` (0 to 1) of all values do not pass; 0 when there is none.
    Duration quantile(double q) const;

    /// What reports show, in milliseconds.
    struct Summary {
        std::uint64_t count = 0;
        double mean = 0;
        double p50 = 0;
        double p90 = 0;
        double p99 = 0;
        double p999 = 0;
        double max = 0;
    };
    Summary summary() const;

 private:
    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    std::uint64_t sum_ns_ = 0;
    Duration max_{0};
};

double to_ms(std::chrono::nanoseconds duration);

}  // namespace carillon::loadtest
