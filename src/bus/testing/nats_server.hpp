#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace carillon::bus::testing {

/// A real nats-server (Debian's package) with JetStream in a temporary folder, on a port of its own. Ended by its pid,
/// at the latest with this object. Thread: the test's.
class NatsServer {
 public:
    struct Options {
        bool jetstream = true;
        std::string max_file_store;  ///< such as "1MB"; empty: the server's own choice
        std::string user;            ///< empty: anybody may connect
        std::string password;
        std::string more;  ///< lines for the configuration file
    };

    NatsServer() : NatsServer(Options{}) {}
    explicit NatsServer(Options options);
    ~NatsServer();
    NatsServer(const NatsServer&) = delete;
    NatsServer& operator=(const NatsServer&) = delete;

    std::string url() const;
    /// Starts again, on the same port and folder.
    void start();
    void kill();
    void stop();
    /// Frozen and thawed: it keeps its connections and says nothing.
    void freeze();
    void thaw();
    /// What the server has logged.
    std::string log() const;
    /// Between a stop and a start.
    Options& options() { return options_; }
    const std::filesystem::path& folder() const { return folder_; }

 private:
    void end(int signal);
    void write_configuration() const;

    Options options_;
    std::filesystem::path folder_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace carillon::bus::testing
