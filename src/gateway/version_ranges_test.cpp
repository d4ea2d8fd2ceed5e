#include "gateway/version_ranges.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace carillon::gateway {
namespace {

TEST(VersionRanges, TakingOneLeavesItsNeighbours) {
    VersionRanges ranges;
    ranges.add(1, 5);
    EXPECT_TRUE(ranges.take(3));
    EXPECT_FALSE(ranges.take(3));
    EXPECT_TRUE(ranges.contains(2));
    EXPECT_TRUE(ranges.contains(4));
    EXPECT_FALSE(ranges.contains(6));
    EXPECT_TRUE(ranges.take(1));
    EXPECT_TRUE(ranges.take(5));
    EXPECT_TRUE(ranges.take(2));
    EXPECT_TRUE(ranges.take(4));
    EXPECT_TRUE(ranges.empty());
}

TEST(VersionRanges, AnEmptyRangeAddsNothing) {
    VersionRanges ranges;
    ranges.add(5, 4);
    EXPECT_TRUE(ranges.empty());
}

TEST(VersionRanges, BehavesLikeASet) {
    std::mt19937 random{11};
    for (int round = 0; round < 50; ++round) {
        VersionRanges ranges;
        std::set<base::Version> set;
        for (int i = 0; i < 40; ++i) {
            const base::Version first = random() % 60 + 1;
            if (random() % 2 == 0) {
                const base::Version last = first + random() % 6;
                ranges.add(first, last);
                for (auto v = first; v <= last; ++v) set.insert(v);
            } else {
                EXPECT_EQ(ranges.take(first), set.erase(first) == 1);
            }
        }
        for (base::Version v = 0; v < 70; ++v) EXPECT_EQ(ranges.contains(v), set.contains(v)) << v;
    }
}

TEST(VersionRanges, ForgetsTheLowestPastItsBound) {
    VersionRanges ranges;
    for (base::Version v = 1; v <= 2 * VersionRanges::kRangesMax + 1; v += 2) ranges.add(v, v);
    EXPECT_FALSE(ranges.contains(1));
    EXPECT_TRUE(ranges.contains(3));
}

}  // namespace
}  // namespace carillon::gateway
