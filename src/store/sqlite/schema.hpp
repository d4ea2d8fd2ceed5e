#pragma once

#include <filesystem>
#include <vector>

#include "store/migration.hpp"
#include "store/sqlite/connection.hpp"

namespace carillon::store {

/// The steps of `migrations/`, embedded by the build.
const std::vector<Migration>& sqlite_migrations();

/// Makes sure that the file is a sound Carillon database, and its schema the one of `migrations`: each missing step in
/// one transaction, recorded in `user_version` and in the table `schema_migrations`. Returns the steps that were
/// applied. Throws `OpenError`: the file is no database, damaged, of another program, newer than this binary, or (with
/// `require`) older.
std::vector<AppliedMigration> prepare_schema(SqliteConnection& connection, const std::filesystem::path& file,
                                             SchemaPolicy policy,
                                             const std::vector<Migration>& migrations = sqlite_migrations());

}  // namespace carillon::store
