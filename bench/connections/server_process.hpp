#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace carillon::bench {

/// `carillon serve` as a child, in a folder of its own that goes with it.
class ServerProcess {
 public:
    /// Waits until it is ready; throws std::runtime_error when it is not within 20 s.
    ServerProcess(const std::string& binary, const std::string& jwt_secret, const std::vector<std::string>& flags);
    ~ServerProcess();
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;

    std::uint16_t port() const { return port_; }
    /// User and system time of all its threads.
    double cpu_seconds() const;
    std::uint64_t resident_bytes() const;

 private:
    void await_ready();

    const std::filesystem::path folder_;
    pid_t pid_ = 0;
    std::uint16_t port_ = 0;
};

}  // namespace carillon::bench
