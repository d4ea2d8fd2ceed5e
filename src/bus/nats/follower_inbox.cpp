#include "bus/nats/follower_inbox.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.hpp"

namespace carillon::bus {
namespace {

/// Messages handed over in one turn of the follower's loop; other work gets its turn in between. The more there are,
/// the more leave in one write of a socket: a few milliseconds' worth, which only a backlog has.
constexpr std::size_t kMessagesPerTurn = 2'048;
/// Messages whose memory is kept, when they are of the usual size.
constexpr std::size_t kBlanksMax = 2 * kMessagesPerTurn;
constexpr std::size_t kBlankBytesMax = 2'048;

std::size_t bytes_of(const Delivery& delivery) {
    return delivery.message.payload.size() + sizeof(Delivery);
}

}  // namespace

FollowerInbox::FollowerInbox(Follower follower, std::size_t messages_max, std::size_t bytes_max)
    : follower_{std::move(follower)}, messages_max_{messages_max}, bytes_max_{bytes_max} {}

Delivery FollowerInbox::blank() {
    if (blanks_.empty()) return {};
    Delivery delivery = std::move(blanks_.back());
    blanks_.pop_back();
    return delivery;
}

void FollowerInbox::push(Delivery delivery) {
    const std::size_t bytes = bytes_of(delivery);
    std::unique_lock lock{mutex_};
    room_.wait(lock,
               [&] { return ended_ || messages_ == 0 || (messages_ < messages_max_ && bytes_ + bytes <= bytes_max_); });
    if (ended_) return;
    ++messages_;
    bytes_ += bytes;
    queue_.emplace_back(std::move(delivery));
    if (blanks_.empty()) blanks_.swap(used_);
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
    }
    room_.notify_all();
}

void FollowerInbox::schedule() {
    loop::post(follower_.executor, [self = shared_from_this()] { self->drain(); });
}

void FollowerInbox::drain() {
    if (next_ == taken_.size()) {
        taken_.clear();
        next_ = 0;
        const std::lock_guard lock{mutex_};
        taken_.swap(queue_);
    }
    const std::size_t first = next_;
    next_ = std::min(taken_.size(), first + kMessagesPerTurn);
    for (std::size_t i = first; i < next_ && !ended_; ++i) hand_over(taken_[i]);
    {
        const std::lock_guard lock{mutex_};
        for (std::size_t i = first; i < next_; ++i) {
            if (!taken_[i]) continue;
            --messages_;
            bytes_ -= bytes_of(*taken_[i]);
            const bool usual = taken_[i]->message.payload.capacity() <= kBlankBytesMax;
            if (usual && used_.size() < kBlanksMax) used_.push_back(std::move(*taken_[i]));
        }
        scheduled_ = !ended_ && (next_ < taken_.size() || !queue_.empty());
        if (scheduled_) schedule();
    }
    room_.notify_one();
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
