#include "base/log_limit.hpp"

#include <gtest/gtest.h>

namespace carillon::base {
namespace {

using namespace std::chrono_literals;

TEST(LogLimit, LetsABurstThroughThenSoManyASecondAndCountsTheOthers) {
    LogLimit limit{"tests"};
    SteadyTime now = SteadyTime{} + 1h;
    int written = 0;
    for (int i = 0; i < 10'000; ++i) written += limit.take(now) ? 1 : 0;
    EXPECT_EQ(written, 100);
    EXPECT_EQ(limit.left_out(), 9'900U);
    now += 500ms;
    for (int i = 0; i < 100; ++i) written += limit.take(now) ? 1 : 0;
    EXPECT_EQ(written, 110);
    now += 1h;
    for (int i = 0; i < 1'000; ++i) written += limit.take(now) ? 1 : 0;
    EXPECT_EQ(written, 210) << "a quiet hour gives one burst";
}

TEST(LogLimit, TellsHowManyWereLeftOutAtMostOnceASecond) {
    LogLimit limit{"tests"};
    const SteadyTime begin = SteadyTime{} + 1h;
    for (int i = 0; i < 150; ++i) limit.take(begin);
    ::testing::internal::CaptureStderr();
    LogLimit::report_all(begin + 999ms);
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
    ::testing::internal::CaptureStderr();
    LogLimit::report_all(begin + 1s);
    const std::string told = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(told.find("about=tests lines=50"), std::string::npos) << told;
    ::testing::internal::CaptureStderr();
    LogLimit::report_all(begin + 5s);
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "") << "each line is told of once";
}

}  // namespace
}  // namespace carillon::base
