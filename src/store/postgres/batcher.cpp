#include "store/postgres/batcher.hpp"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include "base/log.hpp"
#include "store/postgres/batch_transaction.hpp"

namespace carillon::store::postgres {
namespace {

constexpr std::string_view kUniqueViolation = "23505";
constexpr int kTriesAlone = 3;
constexpr std::size_t kBusyWeight = 8;

// The whole server or session is at fault: no item can do better alone. Classes of SQLSTATE (PostgreSQL, appendix A):
// insufficient resources, operator intervention, system error.
bool spares_nobody(const Failure& failure) {
    if (failure.lost() || failure.sqlstate == kReadOnly) return true;
    const auto state_class = std::string_view{failure.sqlstate}.substr(0, 2);
    return state_class == "53" || state_class == "57" || state_class == "58";
}

// Another transaction came in between: the next try finds what it left.
bool may_pass(const Failure& failure) {
    const auto state_class = std::string_view{failure.sqlstate}.substr(0, 2);
    return failure.sqlstate == kUniqueViolation || state_class == "40" || state_class == "55";
}

void answer_all(std::vector<Mutation>& batch, errc error) {
    for (auto& mutation : batch) mutation.settle(make_error_code(error));
}

// A read-all counts rows before anything of the batch is written, so nothing of its user may come before it.
bool starts_a_batch(const Mutation& mutation) {
    return std::holds_alternative<ReadAllWork>(mutation.work);
}

}  // namespace

Batcher::Batcher(loop::Executor executor, std::shared_ptr<Pool> pool, std::shared_ptr<OutboxInstance> outbox,
                 BatchLimits limits, FailureLog& log, metrics::Registry& registry)
    : executor_{std::move(executor)},
      pool_{std::move(pool)},
      outbox_{std::move(outbox)},
      limits_{limits},
      log_{log},
      batches_{registry.counter("store_batches_total", "Transactions that changes of inboxes shared")},
      batch_items_{registry.counter("store_batch_items_total", "Changes of inboxes in those transactions")} {}

void Batcher::start() {
    pool_->on_change([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->dispatch();
    });
}

// --- Queue

void Batcher::post(Mutation mutation) {
    if (closed_ || pool_->down()) {
        mutation.settle(make_error_code(errc::unavailable));
        return;
    }
    if (queued_ >= limits_.queue_max) {
        mutation.settle(make_error_code(errc::overloaded));
        return;
    }
    queued_ += mutation.weight();
    if (!mutation.is_of_one_user()) {
        loop::spawn(executor_, run_alone(shared_from_this(), std::move(mutation)), "store unit");
        return;
    }
    const base::UserId user = mutation.user;
    UserQueue& queue = queues_[user];
    queue.waiting.push_back(std::move(mutation));
    if (!queue.under_way && queue.waiting.size() == 1) ready_.push_back(user);
    schedule();
}

// At the end of this turn of the loop, so that what arrives in one turn goes together.
void Batcher::schedule() {
    if (std::exchange(scheduled_, true)) return;
    loop::post(executor_, [self = shared_from_this()] {
        self->scheduled_ = false;
        self->dispatch();
    });
}

// Whether what waits had better wait on, so that fewer transactions carry it: one is under way, and there is enough to
// do for it to have been a big one. On an idle store nobody waits.
bool Batcher::gathers() const {
    return running_ > 0 && last_weight_ >= kBusyWeight && queued_ < limits_.beside_min && !overdue_;
}

void Batcher::dispatch() {
    while (!ready_.empty() && !gathers()) {
        auto session = pool_->lease();
        if (!session) break;
        ++running_;
        loop::spawn(executor_, run(shared_from_this(), std::move(session), take_batch()), "store batch");
    }
    overdue_ = false;
    if (queued_ > 0 && pool_->down()) refuse_all();
}

Batcher::Batch Batcher::take_batch() {
    Batch batch;
    std::size_t weight = 0;
    const auto fits = [this, &weight](const Mutation& next) {
        return weight == 0 || weight + next.weight() <= limits_.items_max;
    };
    while (!ready_.empty()) {
        UserQueue& queue = queues_[ready_.front()];
        if (!fits(queue.waiting.front())) break;
        ready_.pop_front();
        queue.under_way = true;
        auto& waiting = queue.waiting;
        for (bool first = true; !waiting.empty() && fits(waiting.front()); first = false) {
            if (!first && starts_a_batch(waiting.front())) break;
            weight += waiting.front().weight();
            batch.push_back(std::move(waiting.front()));
            waiting.pop_front();
        }
    }
    queued_ -= weight;
    last_weight_ = weight;
    return batch;
}

void Batcher::give_back(const Batch& batch) {
    for (const auto& mutation : batch) {
        const auto found = queues_.find(mutation.user);
        if (found == queues_.end() || !found->second.under_way) continue;  // seen before in this batch
        found->second.under_way = false;
        if (found->second.waiting.empty()) {
            queues_.erase(found);
        } else {
            ready_.push_back(mutation.user);
        }
    }
}

void Batcher::expire(base::SteadyTime now) {
    if (queued_ == 0) return;
    for (auto& [user, queue] : queues_) {
        while (!queue.waiting.empty() && queue.waiting.front().deadline < now) {
            queued_ -= queue.waiting.front().weight();
            queue.waiting.front().settle(make_error_code(errc::unavailable));
            queue.waiting.pop_front();
        }
    }
    std::erase_if(ready_, [this](const base::UserId& user) { return queues_[user].waiting.empty(); });
    std::erase_if(queues_, [](const auto& entry) { return entry.second.waiting.empty() && !entry.second.under_way; });
    overdue_ = true;
    dispatch();
}

void Batcher::refuse_all() {
    ready_.clear();
    for (auto& [user, queue] : queues_) {
        for (auto& mutation : queue.waiting) {
            queued_ -= mutation.weight();
            mutation.settle(make_error_code(errc::unavailable));
        }
        queue.waiting.clear();
    }
    std::erase_if(queues_, [](const auto& entry) { return !entry.second.under_way; });
}

// --- One batch

loop::Task<void> Batcher::run_alone(std::shared_ptr<Batcher> self, Mutation mutation) {
    Batch alone;
    alone.push_back(std::move(mutation));
    auto leasing = Pool::lease_when_free(self->pool_, alone.front().deadline);
    auto session = co_await std::move(leasing);
    self->queued_ -= alone.front().weight();
    if (!session) {
        answer_all(alone, errc::unavailable);
        co_return;
    }
    ++self->running_;
    auto applying = apply_or_give_up(self, session, alone);
    co_await std::move(applying);
    --self->running_;
    self->pool_->release(session);
    self->dispatch();
}

loop::Task<void> Batcher::run(std::shared_ptr<Batcher> self, std::shared_ptr<Session> session, Batch batch) {
    auto applying = apply_or_give_up(self, session, batch);
    co_await std::move(applying);
    --self->running_;
    self->give_back(batch);
    self->pool_->release(session);
    self->dispatch();
}

loop::Task<void> Batcher::apply_or_give_up(std::shared_ptr<Batcher> self, std::shared_ptr<Session> session,
                                           Batch& batch) {
    try {
        auto applying = apply(self, session, batch);
        co_await std::move(applying);
    } catch (const std::exception& error) {
        base::log_error("a batch could not be run", {{"error", error.what()}});
        session->give_up("its transaction was abandoned");
        answer_all(batch, errc::unavailable);
    }
}

loop::Task<void> Batcher::apply(std::shared_ptr<Batcher> self, std::shared_ptr<Session> session, Batch& batch) {
    self->batches_.increment();
    self->batch_items_.increment(static_cast<double>(batch.size()));
    auto checks = Checks::few;
    for (;;) {
        const auto deadline = std::chrono::steady_clock::now() + self->limits_.time_max;
        auto trying = run_batch(self->outbox_, session, batch, checks, deadline);
        auto outcome = co_await std::move(trying);
        if (!outcome.failure) {
            self->log_.worked();
            for (std::size_t i = 0; i < batch.size(); ++i) batch[i].settle(std::move(outcome.answers[i]));
            co_return;
        }
        if (spares_nobody(*outcome.failure)) {
            self->log_.failed(outcome.failure->message);
            // Another server may have become the one that takes writes.
            if (outcome.failure->sqlstate == kReadOnly) session->give_up(outcome.failure->message);
            answer_all(batch, errc::unavailable);
            co_return;
        }
        if (checks == Checks::few && outcome.failure->sqlstate == kUniqueViolation) {
            checks = Checks::all;
            continue;
        }
        base::log_warn(
            "a batch is run again one by one",
            {{"items", batch.size()}, {"sqlstate", outcome.failure->sqlstate}, {"reason", outcome.failure->message}});
        break;
    }
    auto applying = apply_singly(self, session, batch);
    co_await std::move(applying);
}

loop::Task<void> Batcher::apply_singly(std::shared_ptr<Batcher> self, std::shared_ptr<Session> session, Batch& batch) {
    for (auto& mutation : batch) {
        Batch alone;
        alone.push_back(std::move(mutation));
        // NOLINTNEXTLINE(bugprone-use-after-move): a member is set anew
        mutation.user = alone.front().user;  // what is left of it is given back by its user
        std::optional<Failure> failure;
        for (int tries = 0; tries < kTriesAlone; ++tries) {
            const auto now = std::chrono::steady_clock::now();
            if (now > alone.front().deadline || !session->alive()) {
                failure = Failure{{}, "there was no time left"};
                break;
            }
            auto trying = run_batch(self->outbox_, session, alone, Checks::all, now + self->limits_.time_max);
            auto outcome = co_await std::move(trying);
            failure = outcome.failure;
            if (!failure) alone.front().settle(std::move(outcome.answers.front()));
            if (!failure || !may_pass(*failure)) break;
        }
        if (!failure) continue;
        base::log_error("a change of an inbox failed", {{"sqlstate", failure->sqlstate}, {"reason", failure->message}});
        alone.front().settle(make_error_code(errc::unavailable));
    }
}

}  // namespace carillon::store::postgres
