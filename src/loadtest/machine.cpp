#include "loadtest/machine.hpp"

#include <sys/utsname.h>

#include <charconv>
#include <fstream>
#include <thread>

namespace carillon::loadtest {
namespace {

/// The text behind the colon of the first line that starts with `name`.
std::string first_value(const char* path, const std::string& name) {
    std::ifstream in{path};
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with(name)) continue;
        const auto value = line.find_first_not_of(" \t", line.find(':') + 1);
        return value == std::string::npos ? std::string{} : line.substr(value);
    }
    return {};
}

}  // namespace

Machine this_machine() {
    Machine machine;
    machine.cpu = first_value("/proc/cpuinfo", "model name");
    machine.cores = std::thread::hardware_concurrency();
    const std::string memory = first_value("/proc/meminfo", "MemTotal");
    std::uint64_t kb = 0;
    std::from_chars(memory.data(), memory.data() + memory.size(), kb);
    machine.memory_mb = kb / 1024;
    utsname name{};
    if (::uname(&name) == 0) machine.kernel = std::string{name.sysname} + ' ' + name.release;
    return machine;
}

}  // namespace carillon::loadtest
