#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace carillon::store::testing {

/// A real PostgreSQL server with a cluster of its own in a temporary folder: fsync is on, and it listens on a socket in
/// that folder and on a free port of 127.0.0.1. It can be stopped, killed and frozen. It runs as an unprivileged user
/// when the test runs as root, which the server refuses, and it ends with the test, however that ends.
///
/// Start it on a thread that lasts: the server ends with it.
///
/// Failures end the test program with a message: without the server there is nothing to test.
class PostgresServer {
 public:
    /// Makes the cluster and starts it. `settings` are the server's (`name=value`).
    explicit PostgresServer(std::vector<std::string> settings = {});
    ~PostgresServer();
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;

    /// Of a database, through the socket, as the user `carillon`, who may do in a database of ours what an owner may,
    /// and nothing else.
    std::string url(const std::string& database) const;
    /// The same through TCP, with the host by that name.
    std::string tcp_url(const std::string& database, const std::string& host = "127.0.0.1") const;
    /// Makes an empty database and returns its name.
    std::string create_database();
    /// Runs SQL as the superuser and returns what psql prints of the rows, unaligned.
    std::string sql(const std::string& database, const std::string& statement);

    void start();
    /// Ends the sessions and stops.
    void stop();
    /// SIGKILL to the server and each of its processes at once, as when the machine loses power.
    void kill();
    /// Neither answers nor ends, until `thaw`.
    void freeze();
    void thaw();

    /// Beyond which no file of the server may grow: a disk that is full.
    static constexpr std::uint64_t kNoFileSizeLimit = 0;
    void limit_file_size(std::uint64_t bytes);
    /// Of the server and its processes, also those that have ended.
    double cpu_seconds() const;

    std::filesystem::path folder() const { return folder_; }
    /// Of PostgreSQL's programs.
    static std::filesystem::path program(const std::string& name);
    /// Runs one of them to its end as the server's user; returns what it printed. Fails when it fails.
    std::string run(const std::vector<std::string>& arguments) const;
    std::uint16_t port() const { return port_; }

 private:
    pid_t spawn(const std::vector<std::string>& arguments, int output) const;
    std::vector<pid_t> processes() const;
    bool answers() const;
    std::string url_of(const std::string& user, const std::string& database) const;

    const std::vector<std::string> settings_;
    std::filesystem::path folder_;
    std::uint16_t port_ = 0;
    pid_t server_ = -1;
    int databases_ = 0;
};

/// The server of this test program, started on the first use. `pgtest_main` stops it.
PostgresServer& postgres_server();

}  // namespace carillon::store::testing
