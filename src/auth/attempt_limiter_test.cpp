#include "auth/attempt_limiter.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/testing/fake_clock.hpp"

namespace carillon::auth {
namespace {

using namespace std::chrono_literals;

TEST(AttemptLimiter, AllowsExactlyTheLimitInAnyWindow) {
    base::FakeClock clock;
    AttemptLimiter limiter{clock, {.attempts = 3, .window = 60s}};
    EXPECT_FALSE(limiter.take("a").has_value());
    clock.advance(20s);
    EXPECT_FALSE(limiter.take("a").has_value());
    EXPECT_FALSE(limiter.take("a").has_value());
    EXPECT_EQ(limiter.take("a"), 40s) << "until the first leaves the window";
    clock.advance(40s - 1ms);
    EXPECT_EQ(limiter.take("a"), 1ms) << "refused attempts do not count";
    clock.advance(1ms);
    EXPECT_FALSE(limiter.take("a").has_value());
    EXPECT_EQ(limiter.take("a"), 20s);
}

TEST(AttemptLimiter, CountsKeysApart) {
    base::FakeClock clock;
    AttemptLimiter limiter{clock, {.attempts = 1}};
    EXPECT_FALSE(limiter.take("a").has_value());
    EXPECT_FALSE(limiter.take("b").has_value());
    EXPECT_TRUE(limiter.take("a").has_value());
}

TEST(AttemptLimiter, GivesAnAttemptBack) {
    base::FakeClock clock;
    AttemptLimiter limiter{clock, {.attempts = 1}};
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(limiter.take("a").has_value());
        limiter.give_back("a");
        EXPECT_EQ(limiter.size(), 0U);
    }
    limiter.give_back("never taken");
}

TEST(AttemptLimiter, ForgetsWhoHasBeenIdleForAWindow) {
    base::FakeClock clock;
    AttemptLimiter limiter{clock, {.attempts = 10, .window = 60s}};
    for (int i = 0; i < 1'000; ++i) limiter.take(std::to_string(i));
    EXPECT_EQ(limiter.size(), 1'000U);
    clock.advance(60s);
    limiter.take("late");
    EXPECT_EQ(limiter.size(), 1U);
}

TEST(AttemptLimiter, KeepsItsBoundAndForgetsTheLeastRecentlyUsed) {
    base::FakeClock clock;
    AttemptLimiter limiter{clock, {.attempts = 1, .window = 60s, .keys_max = 100}};
    limiter.take("kept");
    for (int i = 0; i < 1'000; ++i) {
        limiter.take(std::to_string(i));
        ASSERT_TRUE(limiter.take("kept").has_value()) << "used again and again";
        ASSERT_LE(limiter.size(), 100U);
    }
    EXPECT_FALSE(limiter.take("0").has_value()) << "forgotten";
    EXPECT_TRUE(limiter.take("999").has_value());
}

TEST(AttemptLimiter, IsOffWithALimitOfZero) {
    base::FakeClock clock;
    AttemptLimiter limiter{clock, {.attempts = 0}};
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(limiter.take("a").has_value());
    EXPECT_EQ(limiter.size(), 0U);
}

TEST(AttemptLimiter, HoldsWhenThreadsTakeAtOnce) {
    base::FakeClock clock;
    AttemptLimiter limiter{clock, {.attempts = 50}};
    std::atomic<int> allowed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i) {
                if (!limiter.take("a")) ++allowed;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(allowed, 50);
}

}  // namespace
}  // namespace carillon::auth
