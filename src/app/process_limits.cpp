#include "app/process_limits.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace carillon::app {
namespace {

/// More connections than that are a matter of more machines, not of a default.
constexpr std::uint64_t kConnectionsMax = 1'000'000;
/// Database, logs, and the loops' own descriptors.
constexpr std::uint64_t kOwnFiles = 64;
constexpr std::uint64_t kFilesPerShard = 8;

std::optional<std::uint64_t> to_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
    return value;
}

std::string first_line(const std::filesystem::path& file) {
    std::ifstream in{file};
    std::string line;
    std::getline(in, line);
    return line;
}

std::uint32_t cores_of(std::uint64_t quota, std::uint64_t period) {
    if (period == 0) return 0;
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>((quota + period - 1) / period, 1, 4'096));
}

/// `cpu.max` of version 2: "QUOTA PERIOD" or "max PERIOD".
std::uint32_t quota_v2(const std::filesystem::path& group) {
    const std::string line = first_line(group / "cpu.max");
    const auto space = line.find(' ');
    if (space == std::string::npos) return 0;
    const auto quota = to_number(std::string_view{line}.substr(0, space));
    const auto period = to_number(std::string_view{line}.substr(space + 1));
    return quota && period ? cores_of(*quota, *period) : 0;
}

std::uint32_t quota_v1(const std::filesystem::path& group) {
    const auto quota = to_number(first_line(group / "cpu.cfs_quota_us"));  // -1: none
    const auto period = to_number(first_line(group / "cpu.cfs_period_us"));
    return quota && period ? cores_of(*quota, *period) : 0;
}

/// The least of a group's quota and those above it.
template <class Quota>
std::uint32_t least_quota(const std::filesystem::path& mount, std::string_view group, Quota quota) {
    std::uint32_t least = 0;
    std::filesystem::path path{group};
    for (;;) {
        const std::uint32_t here = quota(mount / path.relative_path());
        if (here != 0) least = least == 0 ? here : std::min(least, here);
        if (!path.has_relative_path()) return least;
        path = path.parent_path();
    }
}

/// Whether a comma-separated list of controllers has "cpu".
bool has_cpu(std::string_view controllers) {
    while (!controllers.empty()) {
        const auto comma = controllers.find(',');
        if (controllers.substr(0, comma) == "cpu") return true;
        controllers.remove_prefix(comma == std::string_view::npos ? controllers.size() : comma + 1);
    }
    return false;
}

std::uint32_t affinity_cores() {
    // The kernel wants room for every core of the machine, also those that are not there yet.
    for (std::size_t cores = 1'024; cores <= 1'048'576; cores *= 4) {
        std::vector<cpu_set_t> mask(cores / CPU_SETSIZE);
        const std::size_t bytes = mask.size() * sizeof(cpu_set_t);
        if (sched_getaffinity(0, bytes, mask.data()) == 0) {
            return static_cast<std::uint32_t>(CPU_COUNT_S(bytes, mask.data()));
        }
    }
    return std::thread::hardware_concurrency();
}

}  // namespace

std::uint32_t quota_cores(const std::filesystem::path& root, std::string_view membership) {
    std::uint32_t least = 0;
    while (!membership.empty()) {
        const auto end = membership.find('\n');
        const std::string_view line = membership.substr(0, end);
        membership.remove_prefix(end == std::string_view::npos ? membership.size() : end + 1);
        const auto first = line.find(':');
        const auto second = line.find(':', first == std::string_view::npos ? first : first + 1);
        if (second == std::string_view::npos) continue;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string_view group = line.substr(second + 1);
        std::uint32_t found = 0;
        if (controllers.empty()) {
            found = least_quota(root, group, quota_v2);
        } else if (has_cpu(controllers)) {
            // In a container the group's own folder is what is mounted.
            found = least_quota(root / "cpu", group, quota_v1);
        }
        if (found != 0) least = least == 0 ? found : std::min(least, found);
    }
    return least;
}

std::uint32_t usable_cores() {
    std::string membership;
    std::ifstream in{"/proc/self/cgroup"};
    membership.assign(std::istreambuf_iterator<char>{in}, {});
    const std::uint32_t quota = quota_cores("/sys/fs/cgroup", membership);
    const std::uint32_t cores = std::max(affinity_cores(), 1U);
    return quota == 0 ? cores : std::min(cores, quota);
}

ProcessLimits take_process_limits() {
    ProcessLimits limits;
    limits.cores = usable_cores();
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return limits;
    limits.open_files_before = files.rlim_cur;
    files.rlim_cur = files.rlim_max;
    // "Unlimited" is refused by some kernels; then what there was stays.
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) getrlimit(RLIMIT_NOFILE, &files);
    limits.open_files = files.rlim_cur;
    return limits;
}

const ProcessLimits& process_limits() {
    static const ProcessLimits limits = take_process_limits();
    return limits;
}

std::uint32_t connections_for(std::uint64_t open_files, std::uint32_t shards) {
    const std::uint64_t own = kOwnFiles + kFilesPerShard * shards;
    const std::uint64_t left = open_files > own ? open_files - own : 0;
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(left - left / 5, 16, kConnectionsMax));
}

}  // namespace carillon::app
