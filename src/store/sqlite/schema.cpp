#include "store/sqlite/schema.hpp"

#include <fmt/format.h>

#include "store/open_error.hpp"

namespace carillon::store {
namespace {

// "CARL": tells our files from those of other programs (`PRAGMA application_id`).
constexpr std::int64_t kApplicationId = 0x4341524C;

// A larger file is not read through at start-up; damage in it shows as failing queries instead.
constexpr std::uintmax_t kCheckedBytesMax = 64U << 20U;

[[noreturn]] void refuse(const std::filesystem::path& file, std::string_view what) {
    throw OpenError{fmt::format("the database {} {}", file.string(), what)};
}

void require_working(SqliteConnection& connection, const std::filesystem::path& file) {
    if (const auto failure = connection.take_failure()) {
        refuse(file,
               fmt::format("cannot be used: {}; restore it from a backup, or move it away to start with an empty one",
                           *failure));
    }
}

std::int64_t integer_of(SqliteConnection& connection, std::string_view sql) {
    SqliteQuery query{connection, sql};
    return query.next() ? query.integer(0) : 0;
}

void check_sound(SqliteConnection& connection, const std::filesystem::path& file) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (error || size > kCheckedBytesMax) return;
    std::string verdict;
    {
        SqliteQuery check{connection, "PRAGMA quick_check(1)"};
        if (check.next()) verdict = check.text(0);
    }
    require_working(connection, file);
    if (verdict != "ok") {
        refuse(file, "is damaged; restore it from a backup, or move it away to start with an empty one");
    }
}

void check_ours(SqliteConnection& connection, const std::filesystem::path& file) {
    const auto application = integer_of(connection, "PRAGMA application_id");
    const auto objects = integer_of(connection, "SELECT count(*) FROM sqlite_schema");
    require_working(connection, file);
    if (objects != 0 && application != kApplicationId) {
        refuse(file, "belongs to another program; give another directory with --data-dir");
    }
}

void apply(SqliteConnection& connection, const std::filesystem::path& file, const Migration& migration) {
    connection.execute("BEGIN IMMEDIATE");
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations ("
        " number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT");
    connection.execute(std::string{migration.sql});
    connection.execute(fmt::format("INSERT INTO schema_migrations VALUES ({}, '{}', datetime('now'))", migration.number,
                                   migration.name));
    connection.execute(fmt::format("PRAGMA application_id = {}", kApplicationId));
    connection.execute(fmt::format("PRAGMA user_version = {}", migration.number));
    connection.execute("COMMIT");
    if (const auto failure = connection.take_failure()) {
        if (connection.in_transaction()) connection.execute("ROLLBACK");
        refuse(file, fmt::format("could not be brought up to date (step {} {}): {}; nothing of the step was applied",
                                 migration.number, migration.name, *failure));
    }
}

}  // namespace

std::vector<AppliedMigration> prepare_schema(SqliteConnection& connection, const std::filesystem::path& file,
                                             SchemaPolicy policy, const std::vector<Migration>& migrations) {
    check_ours(connection, file);
    check_sound(connection, file);
    const auto present = integer_of(connection, "PRAGMA user_version");
    require_working(connection, file);
    const auto wanted = migrations.empty() ? 0 : migrations.back().number;
    if (present > wanted) {
        refuse(file, fmt::format("has schema {}, made by a newer carillon (this one knows {}); upgrade carillon",
                                 present, wanted));
    }
    if (present < wanted && policy == SchemaPolicy::require) {
        refuse(file, fmt::format("has schema {} and this carillon needs {}; run `carillon migrate`", present, wanted));
    }
    std::vector<AppliedMigration> applied;
    for (const auto& migration : migrations) {
        if (migration.number <= present) continue;
        apply(connection, file, migration);
        applied.push_back({migration.number, std::string{migration.name}});
    }
    return applied;
}

}  // namespace carillon::store
