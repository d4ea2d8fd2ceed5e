#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop/task.hpp"

namespace carillon::store::postgres {

/// Which server and database, as whom, and with which settings of the session: libpq's keywords and values.
class ConnectionTarget {
 public:
    /// Reads `postgres://user:password@host:port/database?…` or libpq's `keyword=value …`. Throws `OpenError` (without
    /// repeating what was given, which holds a password) when it is neither.
    static ConnectionTarget parse(const std::string& url);

    /// What every session of ours wants, for tables in `schema`; what the operator gave stays.
    ConnectionTarget for_schema(const std::string& schema) const;
    /// The same, plus one setting of the server's (`-c name=value`).
    void set_option(const std::string& name, const std::string& value);

    /// "host:port/database", for people. No password.
    std::string describe() const;
    std::optional<std::string> find(const std::string& keyword) const;
    void set(const std::string& keyword, const std::string& value);

    /// libpq looks names up itself, and blocks meanwhile; this gives it addresses instead. Nothing when no host has
    /// one.
    static loop::Task<std::optional<ConnectionTarget>> resolved(ConnectionTarget target);

    /// Arrays for `PQconnectStartParams`, ended by null; valid until the target changes.
    std::vector<const char*> keywords() const;
    std::vector<const char*> values() const;

 private:
    std::vector<std::pair<std::string, std::string>> settings_;
};

}  // namespace carillon::store::postgres
