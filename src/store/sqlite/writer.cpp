#include "store/sqlite/writer.hpp"

#include <pthread.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "store/errc.hpp"

namespace carillon::store {
namespace {

// Pages of 4 KB in the write-ahead log before it is folded into the database file (SQLite's own default is 1,000). More
// pages mean fewer and larger interruptions; this is 16 MB.
constexpr int kCheckpointPages = 4'000;

const std::string kKeepDeletedBytes = "PRAGMA secure_delete = FAST";
constexpr std::string_view kBegin = "BEGIN IMMEDIATE";
constexpr std::string_view kCommit = "COMMIT";
constexpr std::string_view kSavepoint = "SAVEPOINT part";
constexpr std::string_view kRelease = "RELEASE part";
constexpr std::string_view kBusyTimeout = "PRAGMA busy_timeout";
constexpr std::string_view kRollbackPart = "ROLLBACK TO part";

int remember_log_pages(void* pages, sqlite3*, const char*, int now) {
    *static_cast<int*>(pages) = now;
    return SQLITE_OK;
}

}  // namespace

SqliteWriter::SqliteWriter(SqliteConnection connection, WriterLimits limits, const base::Clock& clock,
                           Committed committed)
    : limits_{limits}, clock_{clock}, committed_{std::move(committed)}, connection_{std::move(connection)} {
    // Checkpoints are ours, so that callers are answered before one begins. The hook replaces the automatic ones.
    sqlite3_wal_hook(connection_.handle(), remember_log_pages, &log_pages_);
    thread_ = std::thread{[this] {
        pthread_setname_np(pthread_self(), "store-writer");
        work();
    }};
}

SqliteWriter::~SqliteWriter() {
    close();
}

void SqliteWriter::post(std::unique_ptr<Mutation> mutation) {
    base::ErrorCode refused;
    {
        const std::lock_guard lock{mutex_};
        const std::size_t weight = mutation->weight();
        if (closing_) {
            refused = errc::unavailable;
        } else if (queued_weight_ + weight > limits_.queue_max) {
            refused = errc::overloaded;
        } else {
            queued_weight_ += weight;
            queue_.push_back({std::move(mutation), clock_.steady_now()});
        }
    }
    if (refused) {
        // NOLINTNEXTLINE(bugprone-use-after-move): what is refused was not queued
        mutation->fail_all(refused);
        mutation->answer();
        return;
    }
    wake_.notify_one();
}

void SqliteWriter::close() {
    {
        const std::lock_guard lock{mutex_};
        closing_ = true;
    }
    wake_.notify_one();
    if (!thread_.joinable()) return;
    thread_.join();
    // A log that could not be folded in is found and replayed by the next start.
    sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

void SqliteWriter::work() {
    Group group;
    while (take(group)) {
        if (!group.empty()) process(group);
        group.clear();
        checkpoint_if_due();
    }
}

// Waits for work. False when there is none and none will come.
bool SqliteWriter::take(Group& group) {
    std::vector<Waiting> taken;
    {
        std::unique_lock lock{mutex_};
        wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
        if (queue_.empty()) return false;
        std::size_t weight = 0;
        while (!queue_.empty()) {
            const std::size_t more = queue_.front().mutation->weight();
            if (!taken.empty() && weight + more > limits_.group_max) break;
            weight += more;
            taken.push_back(std::move(queue_.front()));
            queue_.pop_front();
        }
        queued_weight_ -= weight;
    }
    refuse_stale(group, taken);
    return true;
}

void SqliteWriter::refuse_stale(Group& group, std::vector<Waiting>& taken) const {
    const auto oldest = clock_.steady_now() - limits_.wait_max;
    for (auto& waiting : taken) {
        if (waiting.since < oldest) {
            waiting.mutation->fail_all(errc::unavailable);
            waiting.mutation->answer();
        } else {
            group.push_back(std::move(waiting.mutation));
        }
    }
}

void SqliteWriter::process(Group& group) {
    auto outcome = try_group(group, false);
    if (outcome == Outcome::part_failed) outcome = try_group(group, true);
    if (outcome != Outcome::committed) {
        for (auto& mutation : group) mutation->fail_all(errc::unavailable);
    }
    for (auto& mutation : group) mutation->answer();
}

SqliteWriter::Outcome SqliteWriter::try_group(Group& group, bool singly) {
    WriteTransaction transaction{connection_};
    const auto outcome = run_group(group, singly, transaction);
    if (transaction.overwrites_deleted_bytes()) connection_.execute(kKeepDeletedBytes);
    return outcome;
}

SqliteWriter::Outcome SqliteWriter::run_group(Group& group, bool singly, WriteTransaction& transaction) {
    connection_.run(kBegin);
    const bool begun = !connection_.failed();
    const bool applied = begun && (singly ? apply_singly(group, transaction) : apply_all(group, transaction));
    if (applied) connection_.run(kCommit);
    if (!applied || connection_.failed()) {
        roll_back();
        return begun && !applied ? Outcome::part_failed : Outcome::failed;
    }
    commits_.fetch_add(1, std::memory_order_relaxed);
    log_.worked();
    if (transaction.overwrites_deleted_bytes()) log_to_be_emptied_ = true;
    committed_(transaction.take_changes());
    return Outcome::committed;
}

// False when a part failed in a way that nobody expects.
bool SqliteWriter::apply_all(Group& group, WriteTransaction& transaction) {
    for (auto& mutation : group) {
        for (std::size_t part = 0; part < mutation->parts(); ++part) {
            static_cast<void>(mutation->apply(part, transaction));  // the mutation keeps its result
            if (connection_.failed()) return false;
        }
    }
    return true;
}

// False when the transaction is lost.
bool SqliteWriter::apply_singly(Group& group, WriteTransaction& transaction) {
    for (auto& mutation : group) {
        for (std::size_t part = 0; part < mutation->parts(); ++part) {
            if (!apply_part(*mutation, part, transaction)) return false;
        }
    }
    return true;
}

bool SqliteWriter::apply_part(Mutation& mutation, std::size_t part, WriteTransaction& transaction) {
    const auto mark = transaction.mark();
    connection_.run(kSavepoint);
    static_cast<void>(mutation.apply(part, transaction));  // the mutation keeps its result
    if (const auto failure = connection_.take_failure()) {
        log_.failed(*failure);
        mutation.fail(part, errc::unavailable);
        // A full disk and the like end the whole transaction: then there is nothing to go back to.
        if (!connection_.in_transaction()) return false;
        connection_.run(kRollbackPart);
        transaction.rewind(mark);
    }
    connection_.run(kRelease);
    return !connection_.failed();
}

void SqliteWriter::roll_back() {
    log_.failed(connection_.take_failure().value_or("the transaction was rolled back"));
    if (connection_.in_transaction()) connection_.execute("ROLLBACK");
    connection_.take_failure();
}

void SqliteWriter::checkpoint_if_due() {
    if (log_to_be_emptied_) empty_log();
    if (log_pages_ < kCheckpointPages) return;
    // What it cannot fold in, because a reader still needs it, the next one will.
    sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    log_pages_ = 0;
}

// Not while a reader needs the log: then after the next transaction. Nobody waits for it.
void SqliteWriter::empty_log() {
    std::int64_t busy_timeout_ms = 0;
    {
        SqliteQuery setting{connection_, kBusyTimeout};
        if (setting.next()) busy_timeout_ms = setting.integer(0);
    }
    connection_.take_failure();
    sqlite3_busy_timeout(connection_.handle(), 0);
    const int code =
        sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    sqlite3_busy_timeout(connection_.handle(), static_cast<int>(busy_timeout_ms));
    if (code != SQLITE_OK) return;
    log_to_be_emptied_ = false;
    log_pages_ = 0;
}

}  // namespace carillon::store
