#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "bus/bus.hpp"

namespace carillon::bus {

/// What waits for one follower: filled in stream order by the thread that reads the stream, emptied on the follower's
/// executor. When it is full the reading thread waits, and with it the server, which keeps the rest in the stream.
class FollowerInbox : public std::enable_shared_from_this<FollowerInbox> {
 public:
    FollowerInbox(Follower follower, std::size_t messages_max, std::size_t bytes_max);

    /// Blocks while it is full. Thread: the one that reads the stream.
    void push(Delivery delivery);
    /// Everything before it is handed over first. Never blocks.
    void push_gap();
    /// No call to the follower starts after this, and nobody is blocked. Thread: any.
    void end();

 private:
    void schedule();
    void drain();
    /// Nothing: a gap.
    void hand_over(const std::optional<Delivery>& next) const;

    // Constant after construction.
    const Follower follower_;
    const std::size_t messages_max_;
    const std::size_t bytes_max_;

    // Guarded by mutex_.
    std::mutex mutex_;
    std::condition_variable room_;
    std::deque<std::optional<Delivery>> queue_;
    std::size_t bytes_ = 0;
    bool scheduled_ = false;
    bool ended_ = false;
};

}  // namespace carillon::bus
