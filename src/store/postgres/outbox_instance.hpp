#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "loop/task.hpp"
#include "store/outbox_store.hpp"
#include "store/postgres/outbox_ledger.hpp"
#include "store/postgres/pool.hpp"
#include "store/postgres/queries.hpp"

namespace carillon::store::postgres {

using InstanceId = base::Id<struct InstanceTag>;

struct OutboxLimits {
    /// For how long an instance that says nothing keeps its rows. Renewed five times in that time.
    std::chrono::milliseconds lease{5'000};
    /// How often rows of the dead are looked for. With `lease` it bounds how long an event of a dead instance waits.
    std::chrono::milliseconds adopt_every{1'000};
    std::uint64_t adopt_rows_max = 500;  ///< in one transaction
};

/// This process's part in the outbox that all instances of a service share: the name under which it commits events, the
/// lease that says it is alive, and the rows it takes over from instances that are not.
///
/// An instance takes a new id each time it is opened, so that what it left behind when it died is adopted like
/// anybody's. A lease is a row that must be renewed and not a lock of a session: a frozen process loses it, too.
///
/// Owned by shared_ptr. Thread: the executor's, but where it says otherwise.
class OutboxInstance : public std::enable_shared_from_this<OutboxInstance> {
 public:
    OutboxInstance(loop::Executor executor, std::shared_ptr<Pool> writers, std::shared_ptr<Queries> queries,
                   OutboxLimits limits);

    const InstanceId& id() const { return id_; }
    const OutboxLimits& limits() const { return limits_; }
    OutboxLedger& ledger() { return ledger_; }

    void start();
    /// Adopts and renews no more.
    void stop();

    /// The step that puts `events` into the outbox, under sequences from `range`, which they are given here.
    void add_insert(Request& request, OutboxLedger::Range range, std::vector<OutboxEvent>& events,
                    const std::vector<base::UserId>& users) const;
    /// The connection was lost after COMMIT was sent in transaction `xid`: whether it was applied is asked of the
    /// server as soon as it is back, and the range settled accordingly.
    void in_doubt(OutboxLedger::Range range, std::uint64_t xid);

    /// Rows were removed by a commit that did not wait for the disk. Should the server crash before it has written that
    /// commit, they are there again, and are removed again: nobody else would.
    void removed(const std::vector<std::uint64_t>& sequences);

    /// Renews the lease now: a write that says whether writes work.
    static loop::Task<bool> renew(std::shared_ptr<OutboxInstance> self);
    /// When a write was last known to work.
    base::SteadyTime last_write() const { return last_write_; }
    void wrote() { last_write_ = std::chrono::steady_clock::now(); }

 private:
    struct Doubt {
        OutboxLedger::Range range;
        std::uint64_t xid = 0;
    };

    static loop::Task<void> keep_lease(std::shared_ptr<OutboxInstance> self);
    static loop::Task<void> remove_again(std::shared_ptr<OutboxInstance> self);
    static loop::Task<void> keep_adopting(std::shared_ptr<OutboxInstance> self);
    static loop::Task<void> settle_doubts(std::shared_ptr<OutboxInstance> self);
    static loop::Task<bool> settle_doubt(std::shared_ptr<OutboxInstance> self, Doubt doubt);
    static loop::Task<void> adopt_from(std::shared_ptr<OutboxInstance> self, InstanceId dead);
    static loop::Task<std::uint64_t> adopt_some(std::shared_ptr<OutboxInstance> self, std::shared_ptr<Session> session,
                                                InstanceId dead);
    static loop::Task<Queries::Outcome> ask(std::shared_ptr<OutboxInstance> self, Request request);

    const loop::Executor executor_;
    const std::shared_ptr<Pool> writers_;
    const std::shared_ptr<Queries> queries_;
    const OutboxLimits limits_;
    const InstanceId id_;
    OutboxLedger ledger_;
    std::vector<Doubt> doubts_;
    std::vector<std::uint64_t> removed_;  // perhaps not on the disk yet
    std::uint64_t losses_ = 0;            // of sessions, when that was last sure
    bool settling_ = false;
    bool stopped_ = false;
    base::SteadyTime last_write_{};
    base::SteadyTime renewed_{};
    base::SteadyTime adopt_from_{};
};

/// The events of rows with the columns sequence, event_id, created_at, subject, payload, traceparent.
std::vector<OutboxEvent> events_of(const Rows& rows);

}  // namespace carillon::store::postgres
