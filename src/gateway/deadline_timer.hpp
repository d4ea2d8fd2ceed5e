#pragma once

#include <memory>

#include "base/clock.hpp"
#include "gateway/deadline_queue.hpp"
#include "loop/task.hpp"

namespace carillon::gateway {

/// Drives a `DeadlineQueue` with a timer of the loop. Everything on the executor's thread, the destructor too (or after
/// its loop has ended); the queue outlives it.
class DeadlineTimer {
 public:
    DeadlineTimer(const loop::Executor& executor, const base::Clock& clock, DeadlineQueue& queue);
    ~DeadlineTimer();
    DeadlineTimer(const DeadlineTimer&) = delete;
    DeadlineTimer& operator=(const DeadlineTimer&) = delete;

 private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace carillon::gateway
