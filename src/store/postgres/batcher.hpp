#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "metrics/registry.hpp"
#include "store/failure_log.hpp"
#include "store/postgres/batch_plan.hpp"
#include "store/postgres/mutation.hpp"
#include "store/postgres/outbox_instance.hpp"
#include "store/postgres/pool.hpp"

namespace carillon::store::postgres {

struct BatchLimits {
    std::size_t items_max = 128;                ///< in one transaction, unless one mutation has more
    std::size_t beside_min = 32;                ///< under load, a transaction beside another starts with so many
    std::size_t queue_max = 10'000;             ///< items that wait
    std::chrono::milliseconds time_max{4'000};  ///< of waiting; and again of the transaction
};

/// Applies mutations that arrive at the same time in shared transactions. A transaction starts as soon as a session of
/// the pool is free, with all that has gathered meanwhile; so under load the cost of a commit is shared by many, and
/// alone nobody waits. Under load a second session is used only once enough has gathered for it, or something has
/// waited until the next `expire`: each transaction has a cost of its own, and few big ones carry more than many small
/// ones.
///
/// Mutations of one user are applied in the order in which they came: a user whose mutations are under way waits with
/// the next ones. A batch that fails for a reason nobody expects is run again one by one, so that a failing one fails
/// alone.
///
/// Owned by shared_ptr. Thread: the executor's, for everything.
class Batcher : public std::enable_shared_from_this<Batcher> {
 public:
    Batcher(loop::Executor executor, std::shared_ptr<Pool> pool, std::shared_ptr<OutboxInstance> outbox,
            BatchLimits limits, FailureLog& log, metrics::Registry& registry);
    /// Once, before the first mutation.
    void start();

    /// Applies and answers it later; when it cannot be queued it is answered at once (`overloaded`, `unavailable`).
    void post(Mutation mutation);
    /// Several times a second.
    void expire(base::SteadyTime now);
    /// Takes no more. What waits is finished, if the database can.
    void close() { closed_ = true; }
    bool idle() const { return queued_ == 0 && running_ == 0; }

 private:
    using Batch = std::vector<Mutation>;
    struct UserQueue {
        std::deque<Mutation> waiting;
        bool under_way = false;
    };
    using Queues = std::unordered_map<base::UserId, UserQueue>;

    void schedule();
    bool gathers() const;
    void dispatch();
    Batch take_batch();
    void give_back(const Batch& batch);
    void refuse_all();
    static loop::Task<void> run_alone(std::shared_ptr<Batcher> self, Mutation mutation);
    static loop::Task<void> run(std::shared_ptr<Batcher> self, std::shared_ptr<Session> session, Batch batch);
    static loop::Task<void> apply_or_give_up(std::shared_ptr<Batcher> self, std::shared_ptr<Session> session,
                                             Batch& batch);
    static loop::Task<void> apply(std::shared_ptr<Batcher> self, std::shared_ptr<Session> session, Batch& batch);
    static loop::Task<void> apply_singly(std::shared_ptr<Batcher> self, std::shared_ptr<Session> session, Batch& batch);

    const loop::Executor executor_;
    const std::shared_ptr<Pool> pool_;
    const std::shared_ptr<OutboxInstance> outbox_;
    const BatchLimits limits_;
    FailureLog& log_;
    metrics::Counter& batches_;
    metrics::Counter& batch_items_;

    Queues queues_;                   // of the users that have anything waiting or under way
    std::deque<base::UserId> ready_;  // have something waiting and nothing under way
    std::size_t queued_ = 0;
    std::size_t running_ = 0;
    std::size_t last_weight_ = 0;  // of the batch that was taken last
    bool scheduled_ = false;
    bool overdue_ = false;  // something has waited for a tick of `expire`
    bool closed_ = false;
};

}  // namespace carillon::store::postgres
