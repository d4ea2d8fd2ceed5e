#include "store/postgres/pool.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace carillon::store::postgres {
namespace {

// A session that ended sooner is not made again at once.
constexpr std::chrono::seconds kShortLived{1};

}  // namespace

// A place for one session.
struct Pool::Slot {
    explicit Slot(const loop::Executor& executor) : wake{executor} {}

    std::shared_ptr<Session> session;
    bool leased = false;
    bool failing = false;
    boost::asio::steady_timer wake;
};

Pool::Pool(loop::Executor executor, ConnectionTarget target, std::vector<const Statement*> statements,
           PoolLimits limits, FailureLog& log, metrics::Gauge& sessions)
    : executor_{std::move(executor)},
      target_{std::move(target)},
      statements_{std::move(statements)},
      limits_{limits},
      log_{log},
      open_{sessions} {
    for (std::size_t i = 0; i < limits_.sessions; ++i) slots_.push_back(std::make_shared<Slot>(executor_));
}

void Pool::start() {
    for (const auto& slot : slots_) {
        loop::spawn(executor_, keep_open(shared_from_this(), *slot), "database session");
    }
}

void Pool::close() {
    closed_ = true;
    for (const auto& slot : slots_) {
        if (slot->session) slot->session->close("the store was closed");
        slot->session.reset();
        slot->wake.cancel();
    }
    tell();
}

loop::Task<void> Pool::keep_open(std::shared_ptr<Pool> self, Slot& slot) {
    auto pause = self->limits_.backoff_min;
    while (!self->closed_) {
        const auto now = std::chrono::steady_clock::now();
        auto connecting =
            Session::connect(self->executor_, self->target_, self->statements_, now + self->limits_.connect_deadline);
        auto attempt = co_await std::move(connecting);
        if (self->closed_) {
            if (attempt.session) attempt.session->close("the store was closed");
            co_return;
        }
        if (attempt.session) {
            const auto since = std::chrono::steady_clock::now();
            self->connected(slot, std::move(attempt.session));
            while (!self->closed_ && slot.session->alive()) {
                auto lasting = wait(slot, base::SteadyTime::max());
                co_await std::move(lasting);
            }
            if (self->closed_) co_return;
            slot.session.reset();
            self->open_.add(-1);
            self->tell();
            if (std::chrono::steady_clock::now() - since > kShortLived) {
                pause = self->limits_.backoff_min;
                continue;
            }
        } else {
            slot.failing = true;
            self->log_.failed(attempt.failure);
            self->tell();
        }
        auto pausing = wait(slot, std::chrono::steady_clock::now() + pause);
        co_await std::move(pausing);
        pause = std::min(pause * 2, self->limits_.backoff_max);
    }
}

loop::Task<void> Pool::wait(Slot& slot, base::SteadyTime until) {
    slot.wake.expires_at(until);
    co_await slot.wake.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

void Pool::connected(Slot& slot, std::shared_ptr<Session> session) {
    slot.session = std::move(session);
    slot.leased = false;
    slot.failing = false;
    slot.session->on_lost([self = weak_from_this(), &slot](const std::string& reason) {
        const auto pool = self.lock();
        if (!pool) return;
        ++pool->losses_;
        pool->log_.failed(reason);
        slot.wake.cancel();
    });
    open_.add(1);
    log_.worked();
    tell();
}

std::shared_ptr<Session> Pool::lease() {
    for (const auto& slot : slots_) {
        if (!slot->session || slot->leased || !slot->session->alive()) continue;
        slot->leased = true;
        return slot->session;
    }
    return nullptr;
}

loop::Task<std::shared_ptr<Session>> Pool::lease_when_free(std::shared_ptr<Pool> self, base::SteadyTime deadline) {
    if (self->waiters_.empty()) {
        auto session = self->lease();
        if (session || self->down()) co_return session;
    }
    if (self->waiters_.size() >= self->limits_.waiters_max) co_return nullptr;
    std::function<void(loop::Resume<std::shared_ptr<Session>>)> start =
        [&self, deadline](loop::Resume<std::shared_ptr<Session>> resume) {
            self->waiters_.push_back({deadline, std::move(resume)});
        };
    auto waiting = loop::suspend<std::shared_ptr<Session>>(std::move(start));
    co_return co_await std::move(waiting);
}

void Pool::release(const std::shared_ptr<Session>& session) {
    for (const auto& slot : slots_) {
        if (slot->session == session) slot->leased = false;
    }
    tell();
}

std::shared_ptr<Session> Pool::least_busy() const {
    std::shared_ptr<Session> best;
    for (const auto& slot : slots_) {
        if (!slot->session || !slot->session->alive()) continue;
        if (!best || slot->session->in_flight() < best->in_flight()) best = slot->session;
    }
    return best;
}

bool Pool::down() const {
    bool failing = closed_;
    for (const auto& slot : slots_) {
        if (slot->session && slot->session->alive()) return false;
        failing = failing || slot->failing;
    }
    return failing;
}

void Pool::expire(base::SteadyTime now) {
    for (const auto& slot : slots_) {
        if (const auto session = slot->session) session->expire(now);
    }
    for (std::size_t i = 0; i < waiters_.size();) {
        if (waiters_[i].deadline >= now) {
            ++i;
            continue;
        }
        const auto resume = std::move(waiters_[i].resume);
        waiters_.erase(waiters_.begin() + static_cast<std::ptrdiff_t>(i));
        resume(nullptr);
    }
}

void Pool::tell() {
    while (!waiters_.empty()) {
        auto session = lease();
        if (!session && !down()) break;
        const auto resume = std::move(waiters_.front().resume);
        waiters_.pop_front();
        resume(std::move(session));
    }
    for (const auto& changed : changed_) changed();
}

}  // namespace carillon::store::postgres
