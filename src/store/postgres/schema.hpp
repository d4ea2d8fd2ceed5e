#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "store/migration.hpp"
#include "store/postgres/connection_target.hpp"

namespace carillon::store {

/// The steps of `migrations/`, embedded by the build.
const std::vector<Migration>& postgres_notification_migrations();
const std::vector<Migration>& postgres_auth_migrations();

}  // namespace carillon::store

/// What opening does before there is a loop. Everything here blocks and throws `OpenError`.
namespace carillon::store::postgres {

/// A version of the binary, as in "0.1.0".
struct BinaryVersion {
    int major = 0;
    int minor = 0;
    int patch = 0;
    auto operator<=>(const BinaryVersion&) const = default;

    /// Throws `std::logic_error` when it is none.
    static BinaryVersion parse(std::string_view text);
    static BinaryVersion ours();
};

/// What a step says in its first line, `-- oldest-binary: 0.1.0`: binaries from there on work with the schema after it.
/// Throws `std::logic_error` when there is no such line.
BinaryVersion oldest_binary_of(const Migration& migration);

/// Waits for the server as long as `start_wait` and sees that it can be used: PostgreSQL 15 or newer, UTF-8. Then makes
/// sure that `schema` is the one of `migrations`: each missing step in a transaction of its own, under an advisory
/// lock, recorded in the table `schema_migrations` of the schema. One that is newer is used as long as each of its
/// steps can live with this binary. Returns the steps that were applied here.
std::vector<AppliedMigration> prepare_schema(const ConnectionTarget& target, const std::string& schema,
                                             SchemaPolicy policy, std::chrono::milliseconds start_wait,
                                             const std::vector<Migration>& migrations,
                                             BinaryVersion binary = BinaryVersion::ours());

}  // namespace carillon::store::postgres
