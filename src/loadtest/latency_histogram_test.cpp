#include "loadtest/latency_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace carillon::loadtest {
namespace {

using namespace std::chrono_literals;

TEST(LatencyHistogram, IsZeroWhileEmpty) {
    const LatencyHistogram histogram;
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_EQ(histogram.quantile(0.99), 0ns);
    EXPECT_EQ(histogram.mean(), 0ns);
    EXPECT_EQ(histogram.summary().max, 0);
}

TEST(LatencyHistogram, KeepsSmallValuesExactly) {
    LatencyHistogram histogram;
    for (int i = 1; i <= 100; ++i) histogram.add(std::chrono::nanoseconds{i});
    EXPECT_EQ(histogram.quantile(0.5), 50ns);
    EXPECT_EQ(histogram.quantile(0.99), 99ns);
    EXPECT_EQ(histogram.quantile(0), 1ns);
    EXPECT_EQ(histogram.quantile(1), 100ns);
    EXPECT_EQ(histogram.mean(), 50ns);
}

TEST(LatencyHistogram, EveryQuantileIsRightWithinOnePercent) {
    std::mt19937_64 random{42};
    std::lognormal_distribution<double> latency{13, 2};  // a median of 0.4 ms, a long tail
    LatencyHistogram histogram;
    std::vector<std::int64_t> exact;
    for (int i = 0; i < 100'000; ++i) {
        const auto ns = static_cast<std::int64_t>(latency(random));
        exact.push_back(ns);
        histogram.add(std::chrono::nanoseconds{ns});
    }
    std::sort(exact.begin(), exact.end());
    for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
        const auto index = static_cast<std::size_t>(q * static_cast<double>(exact.size())) - 1;
        const auto wanted = static_cast<double>(exact[index]);
        const auto found = static_cast<double>(histogram.quantile(q).count());
        EXPECT_GE(found, wanted) << q;
        EXPECT_LE(found, wanted * 1.008) << q;
    }
    EXPECT_EQ(histogram.max().count(), exact.back());
    EXPECT_EQ(histogram.quantile(1).count(), exact.back());
}

TEST(LatencyHistogram, TakesTheShortestAndTheLongest) {
    LatencyHistogram histogram;
    histogram.add(-5ns);
    histogram.add(0ns);
    histogram.add(24h);
    EXPECT_EQ(histogram.count(), 3U);
    EXPECT_EQ(histogram.quantile(0.5), 0ns);
    EXPECT_EQ(histogram.max(), 24h);
    EXPECT_GT(histogram.quantile(1), 1h);
}

TEST(LatencyHistogram, MergesAsIfAllHadBeenAddedToOne) {
    LatencyHistogram one;
    LatencyHistogram two;
    LatencyHistogram all;
    for (int i = 1; i <= 1'000; ++i) {
        const std::chrono::microseconds value{i * i};
        (i % 3 == 0 ? one : two).add(value);
        all.add(value);
    }
    one.merge(two);
    EXPECT_EQ(one.count(), all.count());
    EXPECT_EQ(one.quantile(0.9), all.quantile(0.9));
    EXPECT_EQ(one.max(), all.max());
    EXPECT_EQ(one.mean(), all.mean());
    one.clear();
    EXPECT_EQ(one.count(), 0U);
    EXPECT_EQ(one.quantile(0.5), 0ns);
}

}  // namespace
}  // namespace carillon::loadtest
