#include "store/postgres/queries.hpp"

#include <utility>

namespace carillon::store::postgres {

Queries::Queries(std::shared_ptr<Pool> pool, QueryLimits limits, FailureLog& log)
    : pool_{std::move(pool)}, limits_{limits}, log_{log} {}

void Queries::start() {
    pool_->on_change([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->pump();
    });
}

void Queries::send(Request request, std::function<void(Outcome)> answer) {
    if (closed_ || pool_->down()) {
        answer(make_error_code(errc::unavailable));
        return;
    }
    if (queue_.size() >= limits_.queue_max) {
        answer(make_error_code(errc::overloaded));
        return;
    }
    queue_.push_back({std::move(request), std::chrono::steady_clock::now() + limits_.time_max, std::move(answer)});
    pump();
}

void Queries::pump() {
    while (!queue_.empty()) {
        const auto session = pool_->least_busy();
        if (!session) {
            if (pool_->down()) refuse_all();
            return;
        }
        if (session->in_flight() >= limits_.pipeline_max) return;
        Waiting next = std::move(queue_.front());
        queue_.pop_front();
        submit(*session, std::move(next));
    }
}

void Queries::submit(Session& session, Waiting waiting) {
    auto answered = [weak = weak_from_this(), answer = std::move(waiting.answer)](Reply reply) {
        const auto self = weak.lock();
        // That nothing can be written is for others to tell; reading goes on.
        if (self && reply.failure && reply.failure->sqlstate != kReadOnly) self->log_.failed(reply.failure->message);
        if (self && !reply.failure) self->log_.worked();
        answer(reply.failure ? Outcome{make_error_code(errc::unavailable)} : Outcome{std::move(reply.rows)});
        if (self) self->pump();
    };
    session.send(std::move(waiting.request), waiting.deadline, std::move(answered));
}

void Queries::expire(base::SteadyTime now) {
    // All have the same time to wait, so the oldest are in front.
    while (!queue_.empty() && queue_.front().deadline < now) {
        const auto answer = std::move(queue_.front().answer);
        queue_.pop_front();
        answer(make_error_code(errc::unavailable));
    }
}

void Queries::close() {
    closed_ = true;
    refuse_all();
}

void Queries::refuse_all() {
    const auto refused = std::exchange(queue_, {});
    for (const auto& waiting : refused) waiting.answer(make_error_code(errc::unavailable));
}

}  // namespace carillon::store::postgres
