#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "loop/task.hpp"
#include "metrics/registry.hpp"
#include "store/migration.hpp"
#include "store/outbox_store.hpp"
#include "store/sqlite/data_directory.hpp"
#include "store/sqlite/readers.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/writer.hpp"

namespace carillon::store {

struct SqliteOptions {
    std::filesystem::path directory;  ///< holds `carillon.db`; made when missing
    SchemaPolicy schema = SchemaPolicy::migrate;
    WriterLimits writer;
    ReaderLimits readers;
    /// How long a write waits for another program that has locked the file (a backup, say).
    std::chrono::milliseconds busy_timeout{2'000};
    /// What waiting is measured with; outlives the database.
    const base::Clock* clock = &base::system_clock();
};

/// The embedded database: one file, one writing thread, some reading threads. The stores are thin views of it and must
/// not outlive it. Everything answered is on the disk (WAL with synchronous=FULL). Thread: any.
class SqliteDatabase {
 public:
    /// Opens or makes the file and brings its schema up to date. Throws `OpenError`.
    SqliteDatabase(SqliteOptions options, metrics::Registry& registry);
    /// `close`.
    ~SqliteDatabase();
    SqliteDatabase(const SqliteDatabase&) = delete;
    SqliteDatabase& operator=(const SqliteDatabase&) = delete;

    /// The steps of the schema that opening applied.
    const std::vector<AppliedMigration>& applied() const { return applied_; }
    const std::filesystem::path& file() const { return directory_.database_file(); }

    /// Takes no more calls (they hear `unavailable`), finishes those that wait, folds the log into the file, and ends
    /// the threads. Callers' executors must still run, or at least exist.
    void close();

    /// Whether a write and a read work now. The write is left out when another one was committed in the last second.
    loop::Task<base::Result<void>> check();

    // For the stores.
    SqliteWriter& writer() { return *writer_; }
    SqliteReaders& readers() { return *readers_; }
    metrics::Histogram& duration_of(const std::string& query);
    void on_committed(OutboxName outbox, std::function<void(std::vector<OutboxEvent>)> listener);
    std::uint64_t outbox_size(OutboxName outbox) const;

 private:
    void committed(OutboxChanges changes);

    metrics::Registry& registry_;
    const base::Clock& clock_;
    DataDirectory directory_;
    std::vector<AppliedMigration> applied_;
    std::array<std::atomic<std::int64_t>, kOutboxNames> outbox_sizes_{};
    std::atomic<base::SteadyTime> last_commit_{base::SteadyTime{}};

    // Guarded by listeners_mutex_
    std::mutex listeners_mutex_;
    std::array<std::function<void(std::vector<OutboxEvent>)>, kOutboxNames> listeners_;

    std::unique_ptr<SqliteReaders> readers_;
    std::unique_ptr<SqliteWriter> writer_;
};

}  // namespace carillon::store
