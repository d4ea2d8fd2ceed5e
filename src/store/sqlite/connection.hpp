#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/ids.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace carillon::store {

enum class SqliteAccess { read_only, read_write };

/// One connection to the file, with its prepared statements. Used by one thread at a time.
///
/// Errors stick, as a stream's do: after a statement has failed, the others do nothing and give nothing, until
/// `take_failure`. So a piece of work runs through without a check after each line; whoever called it asks at the end,
/// and rolls back. Constraints that may be violated are written as `ON CONFLICT`; a violated one is a failure.
class SqliteConnection {
 public:
    /// Throws `OpenError` when there is no usable database and none can be made.
    SqliteConnection(const std::filesystem::path& file, SqliteAccess access);
    ~SqliteConnection();
    SqliteConnection(SqliteConnection&& other) noexcept;
    SqliteConnection& operator=(SqliteConnection&&) = delete;

    /// Runs SQL of one or many statements that is not worth preparing.
    void execute(const std::string& sql);
    /// Runs a prepared statement to its end; returns how many rows it changed. `sql` must outlive the connection.
    template <class... Args>
    std::int64_t run(std::string_view sql, const Args&... args);

    /// Of the row that was inserted last.
    std::uint64_t last_row_id() const;

    bool failed() const { return failure_.has_value(); }
    /// What went wrong since the last call, in SQLite's words; the connection works again.
    std::optional<std::string> take_failure();
    /// Whether a transaction is open. Some failures end it by themselves.
    bool in_transaction() const;
    /// Statements that run past `deadline` fail; nothing lifts it. Checked every few thousand steps.
    void set_deadline(std::optional<base::SteadyTime> deadline) { *deadline_ = deadline; }
    /// SQLite's own handle, for tests.
    sqlite3* handle() const { return handle_; }

 private:
    friend class SqliteQuery;

    sqlite3_stmt* prepared(std::string_view sql);
    std::int64_t changes() const;
    void fail();

    sqlite3* handle_ = nullptr;
    std::unordered_map<std::string_view, sqlite3_stmt*> statements_;
    std::optional<std::string> failure_;
    // On the heap, because SQLite keeps its address.
    std::unique_ptr<std::optional<base::SteadyTime>> deadline_;
};

/// One run of a prepared statement: its arguments, then its rows. One run of the same text at a time.
class SqliteQuery {
 public:
    /// The arguments are the values of `?1`, `?2`, … They must outlive the query (bound without a copy), but ids and
    /// numbers, which are copied.
    template <class... Args>
    SqliteQuery(SqliteConnection& connection, std::string_view sql, const Args&... args) : connection_{connection} {
        if (connection.failed()) return;
        statement_ = connection.prepared(sql);
        int index = 0;
        (bind(++index, args), ...);
    }
    ~SqliteQuery();
    SqliteQuery(const SqliteQuery&) = delete;
    SqliteQuery& operator=(const SqliteQuery&) = delete;

    /// Goes to the next row. False at the end, and on a failure.
    bool next();

    // Columns of the current row, from 0.
    std::int64_t integer(int column) const;
    std::uint64_t number(int column) const { return static_cast<std::uint64_t>(integer(column)); }
    base::TimePoint time(int column) const { return base::TimePoint{std::chrono::milliseconds{integer(column)}}; }
    std::string text(int column) const;
    bool is_null(int column) const;
    base::Digest digest(int column) const;
    std::optional<std::string> optional_text(int column) const;
    template <class Id>
    Id id(int column) const {
        return Id{uuid(column)};
    }

 private:
    base::Uuid uuid(int column) const;
    void blob(int column, void* out, std::size_t size) const;

    void bind(int index, std::int64_t value);
    void bind(int index, std::uint64_t value) { bind(index, static_cast<std::int64_t>(value)); }
    void bind(int index, std::uint32_t value) { bind(index, static_cast<std::int64_t>(value)); }
    void bind(int index, base::TimePoint value) { bind(index, value.time_since_epoch().count()); }
    void bind(int index, const std::string& value);
    void bind(int index, const std::optional<std::string>& value);
    void bind(int index, const base::Uuid& value);
    void bind(int index, const std::optional<base::Uuid>& value);
    void bind(int index, const base::Digest& value);
    void bind(int index, const std::optional<base::Digest>& value);
    template <class Tag>
    void bind(int index, const base::Id<Tag>& value) {
        bind(index, value.uuid);
    }

    SqliteConnection& connection_;
    sqlite3_stmt* statement_ = nullptr;
};

template <class... Args>
std::int64_t SqliteConnection::run(std::string_view sql, const Args&... args) {
    SqliteQuery query{*this, sql, args...};
    while (query.next()) {
    }
    return changes();
}

}  // namespace carillon::store
