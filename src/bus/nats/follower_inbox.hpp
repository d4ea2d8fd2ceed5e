#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "bus/bus.hpp"

namespace carillon::bus {

/// What waits for one follower: filled in stream order by the thread that reads the stream, emptied on the follower's
/// executor. When it is full the reading thread waits, and with it the server, which keeps the rest in the stream.
///
/// The messages' memory goes round: what was handed over is filled anew.
class FollowerInbox : public std::enable_shared_from_this<FollowerInbox> {
 public:
    FollowerInbox(Follower follower, std::size_t messages_max, std::size_t bytes_max);

    /// A delivery to fill; its strings may hold memory, and old texts. Thread: the one that reads the stream.
    Delivery blank();
    /// Blocks while it is full. Thread: the one that reads the stream.
    void push(Delivery delivery);
    /// Everything before it is handed over first. Never blocks.
    void push_gap();
    /// No call to the follower starts after this, and nobody is blocked. Thread: any.
    void end();

 private:
    /// Nothing: a gap.
    using Entries = std::vector<std::optional<Delivery>>;

    void schedule();
    void drain();
    void hand_over(const std::optional<Delivery>& next) const;

    // Constant after construction.
    const Follower follower_;
    const std::size_t messages_max_;
    const std::size_t bytes_max_;

    // Touched only on the thread that reads the stream.
    std::vector<Delivery> blanks_;

    // Touched only on the follower's executor.
    Entries taken_;
    std::size_t next_ = 0;  ///< of `taken_`

    std::atomic<bool> ended_{false};

    // Guarded by mutex_.
    std::mutex mutex_;
    std::condition_variable room_;
    Entries queue_;
    std::size_t messages_ = 0;  ///< in `queue_` and in `taken_`
    std::size_t bytes_ = 0;
    std::vector<Delivery> used_;
    bool scheduled_ = false;
};

}  // namespace carillon::bus
