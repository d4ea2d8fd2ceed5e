#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "loop/suspend.hpp"
#include "loop/task.hpp"
#include "metrics/registry.hpp"
#include "store/failure_log.hpp"
#include "store/postgres/session.hpp"

namespace carillon::store::postgres {

struct PoolLimits {
    std::size_t sessions = 3;
    std::size_t waiters_max = 1'000;  ///< for a lease
    std::chrono::milliseconds connect_deadline{3'000};
    /// Between two attempts to connect; doubles with each failure.
    std::chrono::milliseconds backoff_min{50};
    std::chrono::milliseconds backoff_max{1'000};
};

/// Keeps a number of sessions open: each that ends is made again, with growing pauses while that fails. Its users
/// either lease a session, to have it for themselves, or send to the least busy one.
///
/// Owned by shared_ptr; lives until its last session has ended. Thread: the executor's, for everything.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
    /// `sessions` is the gauge of those that are open.
    Pool(loop::Executor executor, ConnectionTarget target, std::vector<const Statement*> statements, PoolLimits limits,
         FailureLog& log, metrics::Gauge& sessions);
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    void start();
    /// Ends all sessions; makes no more.
    void close();

    /// A session that nobody leases, until `release`; null when there is none just now.
    std::shared_ptr<Session> lease();
    /// The same, but waits for one: in the order of the calls, until `deadline` or until the pool is down.
    static loop::Task<std::shared_ptr<Session>> lease_when_free(std::shared_ptr<Pool> self, base::SteadyTime deadline);
    void release(const std::shared_ptr<Session>& session);
    /// The open session with the fewest requests in flight; null when none is open.
    std::shared_ptr<Session> least_busy() const;
    /// No session is open and the last attempt to make one has failed: whoever waits for one had better give up.
    bool down() const;

    /// How many sessions have been lost so far.
    std::uint64_t losses() const { return losses_; }

    /// Called when a session can be had that could not before, and when the pool goes down.
    void on_change(std::function<void()> changed) { changed_.push_back(std::move(changed)); }
    void expire(base::SteadyTime now);

 private:
    struct Slot;
    struct Waiter {
        base::SteadyTime deadline;
        loop::Resume<std::shared_ptr<Session>> resume;
    };

    static loop::Task<void> keep_open(std::shared_ptr<Pool> self, Slot& slot);
    static loop::Task<void> wait(Slot& slot, base::SteadyTime until);
    void connected(Slot& slot, std::shared_ptr<Session> session);
    /// Serves those who wait for a lease, then tells the listeners.
    void tell();

    // Constant after construction
    const loop::Executor executor_;
    const ConnectionTarget target_;
    const std::vector<const Statement*> statements_;
    const PoolLimits limits_;
    FailureLog& log_;
    metrics::Gauge& open_;

    std::vector<std::shared_ptr<Slot>> slots_;
    std::deque<Waiter> waiters_;
    std::vector<std::function<void()>> changed_;
    std::uint64_t losses_ = 0;
    bool closed_ = false;
};

}  // namespace carillon::store::postgres
