#include "app/process_limits.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <fstream>
#include <string>

namespace carillon::app {
namespace {

namespace fs = std::filesystem;

class ControlGroups : public ::testing::Test {
 protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "carillon-cgroup-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        root = name;
    }
    void TearDown() override { fs::remove_all(root); }
    void write(const fs::path& file, std::string_view text) const {
        fs::create_directories((root / file).parent_path());
        std::ofstream{root / file} << text;
    }

    fs::path root;
};

TEST_F(ControlGroups, AQuotaOfVersionTwoIsRoundedUp) {
    write("app/cpu.max", "150000 100000\n");
    EXPECT_EQ(quota_cores(root, "0::/app\n"), 2U);
    write("app/cpu.max", "10000 100000\n");
    EXPECT_EQ(quota_cores(root, "0::/app\n"), 1U);
    write("app/cpu.max", "max 100000\n");
    EXPECT_EQ(quota_cores(root, "0::/app\n"), 0U);
}

TEST_F(ControlGroups, TheNarrowestOfTheGroupsAboveCounts) {
    write("cpu.max", "300000 100000\n");
    write("a/cpu.max", "200000 100000\n");
    write("a/b/cpu.max", "800000 100000\n");
    EXPECT_EQ(quota_cores(root, "0::/a/b\n"), 2U);
    EXPECT_EQ(quota_cores(root, "0::/\n"), 3U);
    EXPECT_EQ(quota_cores(root, "0::/not/there\n"), 3U) << "inside a container the path may be the host's";
}

TEST_F(ControlGroups, VersionOneIsReadToo) {
    write("cpu/x/cpu.cfs_quota_us", "400000\n");
    write("cpu/x/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(quota_cores(root, "5:memory:/x\n4:cpu,cpuacct:/x\n"), 4U);
    write("cpu/x/cpu.cfs_quota_us", "-1\n");
    EXPECT_EQ(quota_cores(root, "4:cpu,cpuacct:/x\n"), 0U);
}

TEST_F(ControlGroups, GarbageLimitsNothing) {
    write("cpu.max", "nonsense\n");
    for (const std::string_view membership : {"", "0", "0:", "x::/\n", "::", "0::/\n\n", "4:cpu:/\n"}) {
        EXPECT_EQ(quota_cores(root, membership), 0U) << membership;
    }
}

TEST(ProcessLimits, CoresFollowTheAffinityMask) {
    cpu_set_t before;
    ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int core = 0; core < CPU_SETSIZE; ++core) {
        if (!CPU_ISSET(core, &before)) continue;
        CPU_SET(core, &one);
        break;
    }
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(usable_cores(), 1U);
    ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
    EXPECT_GE(usable_cores(), 1U);
    EXPECT_LE(usable_cores(), static_cast<std::uint32_t>(CPU_COUNT(&before)));
}

TEST(ProcessLimits, TheSoftLimitOfFilesRisesToTheHardOne) {
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit low{std::min<rlim_t>(200, before.rlim_max), before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    const auto limits = take_process_limits();
    EXPECT_EQ(limits.open_files_before, low.rlim_cur);
    EXPECT_EQ(limits.open_files, before.rlim_max);
    EXPECT_GE(limits.cores, 1U);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(ProcessLimits, ConnectionsLeaveRoomForFilesAndRequests) {
    EXPECT_EQ(connections_for(20'000, 2), 15'936U);
    EXPECT_EQ(connections_for(1'024, 1), 762U);
    EXPECT_EQ(connections_for(0, 1), 16U) << "never none";
    EXPECT_EQ(connections_for(1'000'000'000, 64), 1'000'000U);
    for (const std::uint64_t files : {256U, 1'024U, 4'096U, 65'536U}) {
        EXPECT_LT(connections_for(files, 4) + 96, files) << files;
    }
}

}  // namespace
}  // namespace carillon::app
