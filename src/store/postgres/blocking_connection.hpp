#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/postgres/connection_target.hpp"

extern "C" {
struct pg_conn;
struct pg_result;
}

namespace carillon::store::postgres {

/// A connection that blocks its thread: for start-up, when there is no loop yet, and for nothing else.
class BlockingConnection {
 public:
    /// Waits up to `wait` for a server that cannot be reached yet. Throws `OpenError`.
    BlockingConnection(const ConnectionTarget& target, std::chrono::milliseconds wait);

    /// Runs one or many statements and gives the first column of the first row of the last; nothing when there is none,
    /// or it is NULL. Throws `std::runtime_error` with the server's words.
    std::optional<std::string> run(const std::string& sql);
    /// The first column of all rows.
    std::vector<std::string> column(const std::string& sql);
    int integer(const std::string& sql);
    /// As in 150004.
    int server_version() const;
    /// What was run last may have been done or not.
    bool lost() const;
    /// Of the database, for people.
    const std::string& name() const { return name_; }

 private:
    using Result = std::unique_ptr<pg_result, void (*)(pg_result*)>;
    Result execute(const std::string& sql);

    struct Finish {
        void operator()(pg_conn* connection) const;
    };
    std::string name_;
    std::unique_ptr<pg_conn, Finish> handle_;
};

}  // namespace carillon::store::postgres
