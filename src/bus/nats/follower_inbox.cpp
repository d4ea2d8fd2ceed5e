#include "bus/nats/follower_inbox.hpp"

#include <exception>
#include <vector>

#include "base/log.hpp"

namespace carillon::bus {
namespace {

/// Messages handed over in one turn of the follower's loop; other work gets its turn in between.
constexpr std::size_t kMessagesPerTurn = 256;

std::size_t bytes_of(const Delivery& delivery) {
    return delivery.message.payload.size() + sizeof(Delivery);
}

}  // namespace

FollowerInbox::FollowerInbox(Follower follower, std::size_t messages_max, std::size_t bytes_max)
    : follower_{std::move(follower)}, messages_max_{messages_max}, bytes_max_{bytes_max} {}

void FollowerInbox::push(Delivery delivery) {
    const std::size_t bytes = bytes_of(delivery);
    std::unique_lock lock{mutex_};
    room_.wait(lock, [&] {
        return ended_ || queue_.empty() || (queue_.size() < messages_max_ && bytes_ + bytes <= bytes_max_);
    });
    if (ended_) return;
    bytes_ += bytes;
    queue_.emplace_back(std::move(delivery));
    if (!std::exchange(scheduled_, true)) schedule();
}

void FollowerInbox::push_gap() {
    const std::lock_guard lock{mutex_};
    if (ended_) return;
    if (!queue_.empty() && !queue_.back()) return;
    queue_.emplace_back(std::nullopt);
    if (!std::exchange(scheduled_, true)) schedule();
}

void FollowerInbox::end() {
    {
        const std::lock_guard lock{mutex_};
        ended_ = true;
        queue_.clear();
        bytes_ = 0;
    }
    room_.notify_all();
}

void FollowerInbox::schedule() {
    loop::post(follower_.executor, [self = shared_from_this()] { self->drain(); });
}

void FollowerInbox::drain() {
    std::vector<std::optional<Delivery>> batch;
    {
        const std::lock_guard lock{mutex_};
        while (!queue_.empty() && batch.size() < kMessagesPerTurn) {
            if (queue_.front()) bytes_ -= bytes_of(*queue_.front());
            batch.push_back(std::move(queue_.front()));
            queue_.pop_front();
        }
    }
    room_.notify_one();
    for (const auto& next : batch) hand_over(next);
    const std::lock_guard lock{mutex_};
    if (ended_ || queue_.empty()) {
        scheduled_ = false;
    } else {
        schedule();
    }
}

void FollowerInbox::hand_over(const std::optional<Delivery>& next) const {
    try {
        if (next) {
            follower_.on_message(*next);
        } else if (follower_.on_gap) {
            follower_.on_gap();
        }
    } catch (const std::exception& error) {
        base::log_error("a bus follower failed", {{"sequence", next ? next->sequence : 0}, {"error", error.what()}});
    }
}

}  // namespace carillon::bus
