#include "store/postgres/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>

#include "base/log.hpp"
#include "store/open_error.hpp"
#include "store/postgres/blocking_connection.hpp"

namespace carillon::store::postgres {
namespace {

constexpr int kServerVersionMin = 150'000;
constexpr int kCommitTries = 3;
constexpr std::string_view kOldestBinary = "-- oldest-binary: ";

// Of all steps of all schemas: the first eight letters of "carillon".
constexpr std::string_view kLock = "SELECT pg_advisory_xact_lock(x'636172696c6c6f6e'::bigint)";

[[noreturn]] void refuse(const BlockingConnection& database, std::string_view what) {
    throw OpenError{fmt::format("--database-url: the database {} {}", database.name(), what)};
}

void check_server(BlockingConnection& database) {
    if (database.server_version() < kServerVersionMin) {
        refuse(database,
               fmt::format("is on PostgreSQL {}; Carillon needs 15 or newer", database.server_version() / 10'000));
    }
    const auto encoding = database.run("SHOW server_encoding").value_or("");
    if (encoding != "UTF8") {
        refuse(database, fmt::format("has the encoding {}; create it with ENCODING 'UTF8'", encoding));
    }
    for (const char* setting : {"fsync", "full_page_writes"}) {
        if (database.run(fmt::format("SHOW {}", setting)) == "off") {
            base::log_warn("the database can lose what it has answered", {{"setting", setting}, {"value", "off"}});
        }
    }
}

struct Present {
    int number = 0;  // of the last step; 0 when there is none
    std::string newest_name;
    BinaryVersion oldest_binary;
};

Present present_in(BlockingConnection& database, const std::string& schema) {
    Present present;
    const auto table = schema + ".schema_migrations";
    // Asked of the catalogue's table, because `to_regclass` may still know of none what somebody made while we waited.
    const auto exists =
        database.run(fmt::format("SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                                 " WHERE n.nspname = '{}' AND c.relname = 'schema_migrations'",
                                 schema));
    if (!exists) return present;
    present.number = database.integer(fmt::format("SELECT coalesce(max(number), 0) FROM {}", table));
    if (present.number == 0) return present;
    present.newest_name =
        database.run(fmt::format("SELECT name FROM {} ORDER BY number DESC LIMIT 1", table)).value_or("");
    present.oldest_binary = BinaryVersion::parse(
        database
            .run(fmt::format(
                "SELECT oldest_binary FROM {} ORDER BY string_to_array(oldest_binary, '.')::int[] DESC LIMIT 1", table))
            .value_or("0.0.0"));
    return present;
}

void check_not_too_new(const BlockingConnection& database, const std::string& schema, const Present& present,
                       BinaryVersion binary) {
    if (present.oldest_binary <= binary) return;
    const auto& oldest = present.oldest_binary;
    refuse(database,
           fmt::format(
               "has the schema {} at step {:04}_{}, which carillon {}.{}.{} is too old for; it needs {}.{}.{} or newer",
               schema, present.number, present.newest_name, binary.major, binary.minor, binary.patch, oldest.major,
               oldest.minor, oldest.patch));
}

std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
    return out + "'";
}

/// The connection went between COMMIT and its answer.
struct CommitUnheard {
    AppliedMigration step;
};

std::string name_of(const std::string& schema, const AppliedMigration& step) {
    return fmt::format("schema {}, step {:04}_{}", schema, step.number, step.name);
}

// Under the lock: the first step that is missing, in this transaction. Nothing when none is. Throws `CommitUnheard`.
std::optional<AppliedMigration> apply_next(BlockingConnection& database, const std::string& schema,
                                           const std::vector<Migration>& migrations, BinaryVersion binary) {
    database.run("BEGIN");
    database.run(std::string{kLock});
    const auto present = present_in(database, schema);
    check_not_too_new(database, schema, present, binary);
    for (const auto& step : migrations) {
        if (step.number <= present.number) continue;
        const AppliedMigration done{step.number, std::string{step.name}};
        bool committing = false;
        try {
            database.run(
                fmt::format("CREATE SCHEMA IF NOT EXISTS {0};"
                            "CREATE TABLE IF NOT EXISTS {0}.schema_migrations (number int PRIMARY KEY, name text NOT"
                            " NULL, oldest_binary text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
                            schema));
            database.run(std::string{step.sql});
            const auto oldest = oldest_binary_of(step);
            database.run(fmt::format(
                "INSERT INTO {}.schema_migrations (number, name, oldest_binary) VALUES ({}, {}, '{}.{}.{}')", schema,
                step.number, quoted(step.name), oldest.major, oldest.minor, oldest.patch));
            committing = true;
            database.run("COMMIT");
        } catch (const std::runtime_error& error) {
            if (committing && database.lost()) throw CommitUnheard{done};
            refuse(database, fmt::format("could not be brought up to date ({}): {}; nothing of the step was applied",
                                         name_of(schema, done), error.what()));
        }
        return done;
    }
    database.run("COMMIT");
    return std::nullopt;
}

// Whether the step is there after all. The lock is granted once the transaction that nobody heard of has ended.
bool was_applied(BlockingConnection& database, const std::string& schema, const AppliedMigration& step) {
    database.run("BEGIN");
    database.run(std::string{kLock});
    const auto present = present_in(database, schema);
    database.run("COMMIT");
    return present.number >= step.number;
}

// Connects again and finds out. Throws when nobody can be asked.
bool settle(BlockingConnection& database, const ConnectionTarget& session, std::chrono::milliseconds wait,
            const std::string& schema, const AppliedMigration& step) {
    try {
        database = BlockingConnection{session, wait};
        const bool applied = was_applied(database, schema, step);
        base::log_warn("the connection was lost at the commit of a migration",
                       {{"step", name_of(schema, step)}, {"applied", applied}});
        return applied;
    } catch (const std::runtime_error& error) {
        refuse(database, fmt::format("was lost at the commit of a migration ({}), which has been applied as a whole or "
                                     "not at all; run `carillon migrate` again when it can be reached ({})",
                                     name_of(schema, step), error.what()));
    }
}

}  // namespace

BinaryVersion BinaryVersion::parse(std::string_view text) {
    BinaryVersion version;
    const char* at = text.data();
    const char* end = at + text.size();
    for (int* part : {&version.major, &version.minor, &version.patch}) {
        if (part != &version.major) {
            if (at == end || *at != '.') throw std::logic_error(fmt::format("'{}' is no version", text));
            ++at;
        }
        const auto [next, error] = std::from_chars(at, end, *part);
        if (error != std::errc{}) throw std::logic_error(fmt::format("'{}' is no version", text));
        at = next;
    }
    if (at != end) throw std::logic_error(fmt::format("'{}' is no version", text));
    return version;
}

BinaryVersion BinaryVersion::ours() {
    return parse(CARILLON_VERSION);
}

BinaryVersion oldest_binary_of(const Migration& migration) {
    std::string_view sql = migration.sql;
    sql.remove_prefix(std::min(sql.find_first_not_of('\n'), sql.size()));
    if (!sql.starts_with(kOldestBinary)) {
        throw std::logic_error(
            fmt::format("step {} does not say which binary is the oldest that can live with it", migration.number));
    }
    sql.remove_prefix(kOldestBinary.size());
    return BinaryVersion::parse(sql.substr(0, sql.find('\n')));
}

std::vector<AppliedMigration> prepare_schema(const ConnectionTarget& target, const std::string& schema,
                                             SchemaPolicy policy, std::chrono::milliseconds start_wait,
                                             const std::vector<Migration>& migrations, BinaryVersion binary) {
    ConnectionTarget session = target.for_schema(schema);
    session.set_option("statement_timeout", "0");
    BlockingConnection database{session, start_wait};
    std::vector<AppliedMigration> applied;
    try {
        check_server(database);
        const int wanted = migrations.empty() ? 0 : migrations.back().number;
        const auto present = present_in(database, schema);
        check_not_too_new(database, schema, present, binary);
        if (present.number >= wanted) return applied;
        if (policy == SchemaPolicy::require) {
            refuse(database,
                   fmt::format("has the schema {} at step {} and this carillon needs {}; run `carillon migrate`",
                               schema, present.number, wanted));
        }
        for (int unheard = 0;;) {
            try {
                const auto step = apply_next(database, schema, migrations, binary);
                if (!step) break;
                applied.push_back(*step);
            } catch (const CommitUnheard& lost) {
                if (settle(database, session, start_wait, schema, lost.step)) {
                    applied.push_back(lost.step);
                } else if (++unheard == kCommitTries) {
                    refuse(database, fmt::format("lost the connection at each commit of a migration ({}); nothing of "
                                                 "the step was applied",
                                                 name_of(schema, lost.step)));
                }
            }
        }
    } catch (const std::runtime_error& error) {
        if (dynamic_cast<const OpenError*>(&error) != nullptr) throw;
        refuse(database, fmt::format("cannot be used: {}", error.what()));
    }
    return applied;
}

}  // namespace carillon::store::postgres
