#include "bus/local/follower_queue.hpp"

#include <algorithm>
#include <exception>

#include "base/log.hpp"

namespace carillon::bus {
namespace {

/// Messages handed over in one turn of the follower's loop; other work gets its turn in between.
constexpr std::size_t kMessagesPerTurn = 256;

std::size_t bytes_of(const Delivery& delivery) {
    return delivery.message.payload.size() + sizeof(Delivery);
}

}  // namespace

FollowerQueue::FollowerQueue(Follower follower, std::size_t messages_max, std::size_t bytes_max)
    : follower_{std::move(follower)}, messages_max_{messages_max}, bytes_max_{bytes_max} {}

bool FollowerQueue::wants(std::string_view subject) const {
    return std::find(follower_.subjects.begin(), follower_.subjects.end(), subject) != follower_.subjects.end();
}

void FollowerQueue::push(std::shared_ptr<const Delivery> delivery) {
    const std::lock_guard lock{mutex_};
    if (ended_) return;
    const std::size_t bytes = bytes_of(*delivery);
    if (gap_ || queue_.size() >= messages_max_ || bytes_ + bytes > bytes_max_) {
        if (!gap_) base::log_warn("a bus follower is too slow: messages are dropped", {{"queued", queue_.size()}});
        gap_ = true;
    } else {
        bytes_ += bytes;
        queue_.push_back(std::move(delivery));
    }
    if (scheduled_) return;
    scheduled_ = true;
    schedule();
}

void FollowerQueue::end() {
    const std::lock_guard lock{mutex_};
    ended_ = true;
    queue_.clear();
    bytes_ = 0;
}

void FollowerQueue::schedule() {
    loop::post(follower_.executor, [self = shared_from_this()] { self->drain(); });
}

void FollowerQueue::drain() {
    for (std::size_t handled = 0;; ++handled) {
        std::shared_ptr<const Delivery> next;
        {
            const std::lock_guard lock{mutex_};
            if (ended_ || (queue_.empty() && !gap_)) {
                scheduled_ = false;
                return;
            }
            if (handled == kMessagesPerTurn) {
                schedule();
                return;
            }
            if (queue_.empty()) {
                gap_ = false;
            } else {
                next = std::move(queue_.front());
                queue_.pop_front();
                bytes_ -= bytes_of(*next);
            }
        }
        if (next) {
            hand_over(*next);
        } else {
            tell_gap();
        }
    }
}

void FollowerQueue::hand_over(const Delivery& delivery) const {
    try {
        follower_.on_message(delivery);
    } catch (const std::exception& error) {
        base::log_error(
            "a bus follower failed",
            {{"subject", delivery.message.subject}, {"sequence", delivery.sequence}, {"error", error.what()}});
    }
}

void FollowerQueue::tell_gap() const {
    if (!follower_.on_gap) return;
    try {
        follower_.on_gap();
    } catch (const std::exception& error) {
        base::log_error("a bus follower failed", {{"error", error.what()}});
    }
}

}  // namespace carillon::bus
