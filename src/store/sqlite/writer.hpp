#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/failure_log.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/write_transaction.hpp"

namespace carillon::store {

/// A change that waits for the writer, in parts that succeed or fail each by itself.
class Mutation {
 public:
    virtual ~Mutation() = default;

    virtual std::size_t parts() const = 0;
    /// How much it counts against the writer's limits, in parts of an ordinary size.
    virtual std::size_t weight() const { return parts(); }
    /// Applies one part and keeps its result. What it changed stays, whatever it returns, unless the connection says
    /// that it has failed. Called again for the same part when the transaction was given up. Thread: the writer's.
    virtual base::ErrorCode apply(std::size_t part, WriteTransaction& transaction) = 0;
    /// The part was not applied, whatever `apply` said.
    virtual void fail(std::size_t part, base::ErrorCode error) = 0;
    /// Everything is decided and durable: tells the caller. Called once. Thread: the writer's, or `post`'s caller.
    virtual void answer() = 0;

    void fail_all(base::ErrorCode error) {
        for (std::size_t part = 0; part < parts(); ++part) fail(part, error);
    }
};

struct WriterLimits {
    std::size_t queue_max = 10'000;  ///< weight that may wait
    std::size_t group_max = 1'000;   ///< weight in one transaction, unless one alone has more
    /// What has waited longer than this is refused instead of applied.
    std::chrono::milliseconds wait_max{10'000};
};

/// The one thread that writes. It takes all that waits (up to `group_max`), applies it in one transaction, commits
/// once, and then answers everybody: the cost of making it durable is shared. When the transaction cannot be committed
/// nobody's change is there, and all hear `errc::unavailable`.
class SqliteWriter {
 public:
    /// Told of the outbox changes of each commit, in commit order, before the callers are. Thread: the writer's.
    using Committed = std::function<void(OutboxChanges)>;

    SqliteWriter(SqliteConnection connection, WriterLimits limits, const base::Clock& clock, Committed committed);
    /// `close`.
    ~SqliteWriter();
    SqliteWriter(const SqliteWriter&) = delete;
    SqliteWriter& operator=(const SqliteWriter&) = delete;

    /// Applies and answers `mutation` later. When it cannot be queued (`overloaded`; closed: `unavailable`) it is
    /// answered at once. Thread: any.
    void post(std::unique_ptr<Mutation> mutation);
    /// Takes no more, finishes what waits, folds the log into the database file, and ends the thread. Thread: any but
    /// the writer's.
    void close();
    /// Transactions committed so far.
    std::uint64_t commits() const { return commits_.load(std::memory_order_relaxed); }

 private:
    struct Waiting {
        std::unique_ptr<Mutation> mutation;
        base::SteadyTime since;
    };
    using Group = std::vector<std::unique_ptr<Mutation>>;
    enum class Outcome {
        committed,
        part_failed,  ///< rolled back, because of a part: worth a try with savepoints
        failed,       ///< rolled back, because of the transaction itself
    };

    void work();
    bool take(Group& group);
    void refuse_stale(Group& group, std::vector<Waiting>& taken) const;
    void process(Group& group);
    Outcome try_group(Group& group, bool singly);
    Outcome run_group(Group& group, bool singly, WriteTransaction& transaction);
    bool apply_all(Group& group, WriteTransaction& transaction);
    bool apply_singly(Group& group, WriteTransaction& transaction);
    bool apply_part(Mutation& mutation, std::size_t part, WriteTransaction& transaction);
    void roll_back();
    void checkpoint_if_due();
    void empty_log();

    // Constant after construction
    const WriterLimits limits_;
    const base::Clock& clock_;
    const Committed committed_;

    // Touched only on the writer's thread
    SqliteConnection connection_;
    FailureLog log_{"writes"};
    int log_pages_ = 0;
    bool log_to_be_emptied_ = false;

    // Guarded by mutex_
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Waiting> queue_;
    std::size_t queued_weight_ = 0;
    bool closing_ = false;

    std::atomic<std::uint64_t> commits_{0};
    std::thread thread_;
};

}  // namespace carillon::store
