#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string_view>

#include "bus/bus.hpp"

namespace carillon::bus {

/// What waits for one follower. Filled in stream order by publishers, emptied on the follower's executor. When it is
/// full it drops what comes until the follower has caught up, and then tells it of the gap: a slow follower never holds
/// up a publisher. Thread: any.
class FollowerQueue : public std::enable_shared_from_this<FollowerQueue> {
 public:
    FollowerQueue(Follower follower, std::size_t messages_max, std::size_t bytes_max);

    bool wants(std::string_view subject) const;
    /// Calls must come in stream order.
    void push(std::shared_ptr<const Delivery> delivery);
    /// No call to the follower starts after this.
    void end();

 private:
    void schedule();
    void drain();
    void hand_over(const Delivery& delivery) const;
    void tell_gap() const;

    // Constant after construction.
    const Follower follower_;
    const std::size_t messages_max_;
    const std::size_t bytes_max_;
    // Guarded by mutex_.
    std::mutex mutex_;
    std::deque<std::shared_ptr<const Delivery>> queue_;
    std::size_t bytes_ = 0;
    bool scheduled_ = false;
    bool gap_ = false;
    bool ended_ = false;
};

}  // namespace carillon::bus
