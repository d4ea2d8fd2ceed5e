#include "gateway/user_limits.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/testing/fake_clock.hpp"
#include "gateway/rate_limiter.hpp"

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;

class UserLimitsTest : public testing::Test {
 protected:
    int allowed_of(UserLimits& limits, int messages) {
        int allowed = 0;
        for (int i = 0; i < messages; ++i) allowed += limits.take(clock.steady_now()).allowed ? 1 : 0;
        return allowed;
    }

    base::FakeClock clock;
};

TEST_F(UserLimitsTest, AllowsABurstOfTheLimitThenRefuses) {
    UserLimits limits{10};
    EXPECT_EQ(allowed_of(limits, 15), 10);
}

TEST_F(UserLimitsTest, RefillsEvenly) {
    UserLimits limits{10};
    allowed_of(limits, 10);
    clock.advance(99ms);
    EXPECT_EQ(allowed_of(limits, 1), 0);
    clock.advance(1ms);
    EXPECT_EQ(allowed_of(limits, 2), 1);
    clock.advance(250ms);
    EXPECT_EQ(allowed_of(limits, 5), 2);
    clock.advance(10s);
    EXPECT_EQ(allowed_of(limits, 30), 10) << "never more than the size of the bucket";
}

TEST_F(UserLimitsTest, SaysWhenToTryAgainAndIsRight) {
    UserLimits limits{3};
    allowed_of(limits, 3);
    const auto refused = limits.take(clock.steady_now());
    ASSERT_FALSE(refused.allowed);
    EXPECT_EQ(refused.retry_after, 334ms);
    clock.advance(refused.retry_after);
    EXPECT_TRUE(limits.take(clock.steady_now()).allowed);
}

TEST_F(UserLimitsTest, CountsWhatIsLeft) {
    UserLimits limits{5};
    EXPECT_EQ(limits.take(clock.steady_now()).remaining, 4U);
    const auto second = limits.take(clock.steady_now());
    EXPECT_EQ(second.remaining, 3U);
    EXPECT_EQ(second.full_after, 400ms);
}

TEST_F(UserLimitsTest, FloodsPastTenTimesTheLimitWithinASecond) {
    UserLimits limits{10};
    for (int i = 0; i < 100; ++i) ASSERT_FALSE(limits.take(clock.steady_now()).flooding) << i;
    EXPECT_TRUE(limits.take(clock.steady_now()).flooding);
    clock.advance(1s);
    EXPECT_FALSE(limits.take(clock.steady_now()).flooding);
}

TEST_F(UserLimitsTest, ZeroMeansNoLimit) {
    UserLimits limits{0};
    EXPECT_EQ(allowed_of(limits, 1'000), 1'000);
}

TEST_F(UserLimitsTest, HoldsAtMostSoManySockets) {
    UserLimits limits{10};
    EXPECT_TRUE(limits.try_add_socket(2));
    EXPECT_TRUE(limits.try_add_socket(2));
    EXPECT_FALSE(limits.try_add_socket(2));
    limits.remove_socket();
    EXPECT_TRUE(limits.try_add_socket(2));
}

TEST_F(UserLimitsTest, ThreadsShareOneBucketExactly) {
    UserLimits limits{1'000};
    std::atomic<int> allowed{0};
    const auto now = clock.steady_now();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 1'000; ++i) allowed += limits.take(now).allowed ? 1 : 0;
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(allowed.load(), 1'000);
}

class RateLimiterTest : public UserLimitsTest {
 protected:
    base::UserId user(int n) const {
        base::UserId id;
        id.uuid.bytes[0] = static_cast<std::uint8_t>(n);
        id.uuid.bytes[1] = static_cast<std::uint8_t>(n >> 8);
        return id;
    }
};

TEST_F(RateLimiterTest, ReconnectingDoesNotRefillTheBucket) {
    RateLimiter limiter{clock, 10};
    EXPECT_EQ(allowed_of(*limiter.of(user(1)), 20), 10);
    limiter.forget_idle();
    EXPECT_EQ(allowed_of(*limiter.of(user(1)), 20), 0);
    EXPECT_EQ(allowed_of(*limiter.of(user(2)), 20), 10);
}

TEST_F(RateLimiterTest, ForgetsUsersWithAFullBucketAndNoSocket) {
    RateLimiter limiter{clock, 10};
    const auto held = limiter.of(user(1));
    allowed_of(*limiter.of(user(2)), 1);
    EXPECT_TRUE(limiter.of(user(3))->try_add_socket(1));
    limiter.of(user(4));
    limiter.forget_idle();
    EXPECT_EQ(limiter.remembered(), 3U) << "held, spending, connected";
    clock.advance(1s);
    limiter.forget_idle();
    EXPECT_EQ(limiter.remembered(), 2U);
}

TEST_F(RateLimiterTest, RemembersABoundedNumberOfPassersBy) {
    RateLimiter limiter{clock, 10};
    for (int i = 0; i < 20'000; ++i) {
        allowed_of(*limiter.of(user(i)), 1);
        clock.advance(100ms);
    }
    EXPECT_LE(limiter.remembered(), 2'048U);
}

}  // namespace
}  // namespace carillon::gateway
