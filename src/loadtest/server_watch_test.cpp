#include "loadtest/server_watch.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace carillon::loadtest {
namespace {

TEST(ServerWatch, ReadsAProcess) {
    const auto before = read_process(::getpid());
    ASSERT_TRUE(before.seen);
    EXPECT_GT(before.memory_kb, 1'000U);
    // Work until the clock of /proc, which counts hundredths of a second, has moved.
    volatile std::uint64_t work = 0;
    const double own = own_cpu_seconds();
    while (own_cpu_seconds() < own + 0.05) work = work + 1;
    EXPECT_GT(read_process(::getpid()).cpu_seconds, before.cpu_seconds);
}

TEST(ServerWatch, SaysThatAProcessIsNotThere) {
    EXPECT_FALSE(read_process(999'999'999).seen);
    Plan plan;
    plan.processes.push_back({"ghost", 999'999'999});
    Reactor reactor;
    EXPECT_THROW(ServerWatch(plan, reactor), SetupError);
}

TEST(ServerWatch, ReadsMetrics) {
    const auto use = read_metrics(
        "# HELP carillon_process_cpu_seconds_total x\n# TYPE carillon_process_cpu_seconds_total gauge\n"
        "carillon_process_cpu_seconds_total 12.5\ncarillon_process_resident_memory_bytes 2.097152e+06\n");
    EXPECT_TRUE(use.seen);
    EXPECT_DOUBLE_EQ(use.cpu_seconds, 12.5);
    EXPECT_EQ(use.memory_kb, 2'048U);
    EXPECT_TRUE(read_metrics("process_cpu_seconds_total 1\n").seen);
    EXPECT_FALSE(read_metrics("other_process_cpu_seconds_total 1\n").seen);
    EXPECT_FALSE(read_metrics("").seen);
}

}  // namespace
}  // namespace carillon::loadtest
