#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace carillon::app {

/// What the system lets this process have.
struct ProcessLimits {
    std::uint64_t open_files = 0;         ///< file descriptors, after raising the soft limit to the hard one
    std::uint64_t open_files_before = 0;  ///< the soft limit that was found
    std::uint32_t cores = 1;              ///< that the process may keep busy at once
};

/// Raises the soft limit of file descriptors to the hard one, and looks at the rest.
ProcessLimits take_process_limits();

/// What `take_process_limits` said when it was called first: by this. Thread: any.
const ProcessLimits& process_limits();

/// Cores by affinity mask and, where a control group allows less time than that, by its quota, rounded up. At least 1.
std::uint32_t usable_cores();

/// The quota of a control group and all above it, in cores, rounded up; 0 when nothing limits it. `root` is where
/// control groups are mounted; `membership` is the text of /proc/self/cgroup.
std::uint32_t quota_cores(const std::filesystem::path& root, std::string_view membership);

/// How many Socket.IO connections fit under a limit of file descriptors. A fifth stays free, and some for the process
/// itself: polling clients have two connections, a client that upgrades has three for a moment, and files need theirs.
std::uint32_t connections_for(std::uint64_t open_files, std::uint32_t shards);

}  // namespace carillon::app
