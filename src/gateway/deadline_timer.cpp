#include "gateway/deadline_timer.hpp"

#include <boost/asio/steady_timer.hpp>

namespace carillon::gateway {

struct DeadlineTimer::Impl : std::enable_shared_from_this<Impl> {
    Impl(const loop::Executor& executor, const base::Clock& time, DeadlineQueue& deadlines)
        : clock{time}, queue{&deadlines}, timer{executor} {}

    void arm() {
        const auto next = queue->next();
        if (!next) return;
        timer.expires_after(*next - clock.steady_now());
        timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            const auto self = weak.lock();
            if (error || !self || self->queue == nullptr) return;
            self->queue->run_due(self->clock.steady_now());
            if (self->queue != nullptr) self->arm();
        });
    }

    const base::Clock& clock;
    DeadlineQueue* queue;  ///< null once the owner has gone
    boost::asio::steady_timer timer;
};

DeadlineTimer::DeadlineTimer(const loop::Executor& executor, const base::Clock& clock, DeadlineQueue& queue)
    : impl_{std::make_shared<Impl>(executor, clock, queue)} {
    queue.on_earlier = [impl = impl_.get()] { impl->arm(); };
    impl_->arm();
}

DeadlineTimer::~DeadlineTimer() {
    impl_->queue->on_earlier = nullptr;
    impl_->queue = nullptr;
    impl_->timer.cancel();
}

}  // namespace carillon::gateway
