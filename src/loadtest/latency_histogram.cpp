#include "loadtest/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace carillon::loadtest {
namespace {

constexpr unsigned kSubBits = 7;
constexpr std::uint64_t kSub = 1U << kSubBits;
constexpr unsigned kLargestBit = 41;  // 2^42 ns are 73 minutes
constexpr std::size_t kBuckets = (kLargestBit - kSubBits + 2) * kSub;

std::size_t bucket_of(std::uint64_t value) {
    if (value < kSub) return value;
    const auto bit = static_cast<unsigned>(std::bit_width(value)) - 1;
    if (bit > kLargestBit) return kBuckets - 1;
    const unsigned shift = bit - kSubBits;
    return (shift + 1) * kSub + (value >> shift) - kSub;
}

/// The largest value that falls into the bucket.
std::uint64_t top_of(std::size_t bucket) {
    if (bucket < kSub) return bucket;
    const auto shift = static_cast<unsigned>(bucket / kSub) - 1;
    return ((bucket % kSub + kSub + 1) << shift) - 1;
}

}  // namespace

double to_ms(std::chrono::nanoseconds duration) {
    return static_cast<double>(duration.count()) / 1e6;
}

LatencyHistogram::LatencyHistogram() : buckets_(kBuckets) {}

void LatencyHistogram::add(Duration value) {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
    ++buckets_[bucket_of(ns)];
    ++count_;
    sum_ns_ += ns;
    max_ = std::max(max_, value);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
    if (other.count_ == 0) return;
    for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ns_ += other.sum_ns_;
    max_ = std::max(max_, other.max_);
}

void LatencyHistogram::clear() {
    if (count_ == 0) return;
    std::fill(buckets_.begin(), buckets_.end(), 0);
    count_ = 0;
    sum_ns_ = 0;
    max_ = Duration{0};
}

LatencyHistogram::Duration LatencyHistogram::mean() const {
    if (count_ == 0) return Duration{0};
    return Duration{static_cast<std::int64_t>(sum_ns_ / count_)};
}

LatencyHistogram::Duration LatencyHistogram::quantile(double q) const {
    if (count_ == 0) return Duration{0};
    const auto wanted = static_cast<std::uint64_t>(std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_)));
    const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        seen += buckets_[i];
        if (seen >= rank) return std::min(Duration{static_cast<std::int64_t>(top_of(i))}, max_);
    }
    return max_;
}

LatencyHistogram::Summary LatencyHistogram::summary() const {
    return {count_,
            to_ms(mean()),
            to_ms(quantile(0.5)),
            to_ms(quantile(0.9)),
            to_ms(quantile(0.99)),
            to_ms(quantile(0.999)),
            to_ms(max_)};
}

}  // namespace carillon::loadtest
