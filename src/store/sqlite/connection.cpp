#include "store/sqlite/connection.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstring>
#include <utility>

#include "store/open_error.hpp"

namespace carillon::store {
namespace {

// How many steps of SQLite's machine between two looks at the clock: well under a millisecond.
constexpr int kStepsBetweenChecks = 4'000;

int past_deadline(void* deadline) {
    const auto& until = *static_cast<std::optional<base::SteadyTime>*>(deadline);
    return until && std::chrono::steady_clock::now() > *until ? 1 : 0;
}

}  // namespace

SqliteConnection::SqliteConnection(const std::filesystem::path& file, SqliteAccess access)
    : deadline_{std::make_unique<std::optional<base::SteadyTime>>()} {
    const int flags =
        (access == SqliteAccess::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
        SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(file.c_str(), &handle_, flags, nullptr);
    if (code != SQLITE_OK) {
        const std::string reason = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
        sqlite3_close_v2(handle_);
        throw OpenError{
            fmt::format("cannot open the database {}: {}; check the path and its permissions", file.string(), reason)};
    }
    sqlite3_progress_handler(handle_, kStepsBetweenChecks, past_deadline, deadline_.get());
}

SqliteConnection::SqliteConnection(SqliteConnection&& other) noexcept
    : handle_{std::exchange(other.handle_, nullptr)},
      statements_{std::exchange(other.statements_, {})},
      failure_{std::move(other.failure_)},
      deadline_{std::move(other.deadline_)} {}

SqliteConnection::~SqliteConnection() {
    for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    sqlite3_close_v2(handle_);
}

void SqliteConnection::execute(const std::string& sql) {
    if (failed()) return;
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

std::uint64_t SqliteConnection::last_row_id() const {
    return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(handle_));
}

std::optional<std::string> SqliteConnection::take_failure() {
    return std::exchange(failure_, std::nullopt);
}

bool SqliteConnection::in_transaction() const {
    return sqlite3_get_autocommit(handle_) == 0;
}

std::int64_t SqliteConnection::changes() const {
    return failed() ? 0 : sqlite3_changes64(handle_);
}

void SqliteConnection::fail() {
    if (failure_) return;
    failure_ = fmt::format("{} (SQLite code {})", sqlite3_errmsg(handle_), sqlite3_extended_errcode(handle_));
}

sqlite3_stmt* SqliteConnection::prepared(std::string_view sql) {
    const auto found = statements_.find(sql);
    if (found != statements_.end()) return found->second;
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &statement, nullptr);
    if (code != SQLITE_OK) {
        fail();
        return nullptr;
    }
    statements_.emplace(sql, statement);
    return statement;
}

SqliteQuery::~SqliteQuery() {
    if (statement_ == nullptr) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

bool SqliteQuery::next() {
    if (statement_ == nullptr || connection_.failed()) return false;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) connection_.fail();
    return false;
}

std::int64_t SqliteQuery::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string SqliteQuery::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    const int size = sqlite3_column_bytes(statement_, column);
    return bytes == nullptr ? std::string{} : std::string{bytes, static_cast<std::size_t>(size)};
}

bool SqliteQuery::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::optional<std::string> SqliteQuery::optional_text(int column) const {
    if (is_null(column)) return std::nullopt;
    return text(column);
}

base::Uuid SqliteQuery::uuid(int column) const {
    base::Uuid uuid;
    blob(column, uuid.bytes.data(), uuid.bytes.size());
    return uuid;
}

base::Digest SqliteQuery::digest(int column) const {
    base::Digest digest{};
    blob(column, digest.data(), digest.size());
    return digest;
}

// Leaves `out` alone when the column has another size.
void SqliteQuery::blob(int column, void* out, std::size_t size) const {
    const void* bytes = sqlite3_column_blob(statement_, column);
    const int there = sqlite3_column_bytes(statement_, column);
    if (bytes != nullptr && static_cast<std::size_t>(there) == size) std::memcpy(out, bytes, size);
}

void SqliteQuery::bind(int index, std::int64_t value) {
    if (statement_ == nullptr) return;
    if (sqlite3_bind_int64(statement_, index, value) != SQLITE_OK) connection_.fail();
}

void SqliteQuery::bind(int index, const std::string& value) {
    if (statement_ == nullptr) return;
    if (sqlite3_bind_text(statement_, index, value.data(), static_cast<int>(value.size()), SQLITE_STATIC) !=
        SQLITE_OK) {
        connection_.fail();
    }
}

void SqliteQuery::bind(int index, const std::optional<std::string>& value) {
    if (value) bind(index, *value);  // what is not bound is null
}

void SqliteQuery::bind(int index, const base::Uuid& value) {
    if (statement_ == nullptr) return;
    if (sqlite3_bind_blob(statement_, index, value.bytes.data(), static_cast<int>(value.bytes.size()),
                          SQLITE_TRANSIENT) != SQLITE_OK) {
        connection_.fail();
    }
}

void SqliteQuery::bind(int index, const std::optional<base::Uuid>& value) {
    if (value) bind(index, *value);  // what is not bound is null
}

void SqliteQuery::bind(int index, const std::optional<base::Digest>& value) {
    if (value) return bind(index, *value);
    if (statement_ != nullptr && sqlite3_bind_null(statement_, index) != SQLITE_OK) connection_.fail();
}

void SqliteQuery::bind(int index, const base::Digest& value) {
    if (statement_ == nullptr) return;
    if (sqlite3_bind_blob(statement_, index, value.data(), static_cast<int>(value.size()), SQLITE_STATIC) !=
        SQLITE_OK) {
        connection_.fail();
    }
}

}  // namespace carillon::store
