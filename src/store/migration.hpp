#pragma once

#include <string>
#include <string_view>

namespace carillon::store {

/// One step of a schema: the file `NNNN_name.sql` of an adapter's `migrations/`, embedded by the build. Numbers are
/// dense from 1. A step that was released is never edited; a change is a new file.
struct Migration {
    int number = 0;
    std::string_view name;
    std::string_view sql;
};

/// A step that was applied now; what `carillon migrate` reports.
struct AppliedMigration {
    int number = 0;
    std::string name;
};

/// What opening a database does about one whose schema is older than the binary.
enum class SchemaPolicy {
    migrate,  ///< brings it up to date
    require,  ///< refuses it
};

}  // namespace carillon::store
