#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bus/bus.hpp"
#include "bus/nats/ack_subject.hpp"
#include "bus/nats/follower_inbox.hpp"
#include "bus/nats/link_keeper.hpp"
#include "bus/nats/stream_position.hpp"

namespace carillon::bus {

/// Reads one stream in order, for as long as it lives, over as many links as that takes: an ephemeral push consumer
/// without acknowledgements, with flow control and heartbeats (what NATS calls an ordered consumer, ADR-17). Whenever a
/// message is missing, the heartbeat stays away or the link is lost it makes another one behind the last sequence it
/// saw.
///
/// One thread of its own, which ends with `end` or with the keeper.
class OrderedFollower {
 public:
    OrderedFollower(const NatsOptions& options, LinkKeeper& keeper, StreamName stream, Follower follower);
    ~OrderedFollower();
    OrderedFollower(const OrderedFollower&) = delete;
    OrderedFollower& operator=(const OrderedFollower&) = delete;

    /// Starts to read; blocks until it is subscribed, at most for the option's time.
    void start();
    /// No call to the follower starts after this. Thread: any; does not block.
    void end();
    /// Blocks until the thread has ended; after `end`, or when the keeper has stopped.
    void join();

 private:
    struct Stretch;

    void run();
    std::optional<Stretch> subscribe(const std::shared_ptr<Link>& link);
    void read(Link& link, Stretch& stretch);
    /// False when the stretch is over.
    bool on_status(Link& link, const Stretch& stretch, natsMsg* message);
    bool on_data(Stretch& stretch, natsMsg* message, const AckSubject& meta);
    void leave(Link& link, const Stretch& stretch);
    bool wants(std::string_view subject) const;

    // Constant after construction.
    const NatsOptions& options_;
    LinkKeeper& keeper_;
    const StreamName stream_;
    const std::vector<std::string> subjects_;
    const std::shared_ptr<FollowerInbox> inbox_;

    // Touched only on its own thread.
    std::optional<StreamPosition> position_;

    // Guarded by mutex_.
    std::mutex mutex_;
    std::condition_variable subscribed_;
    bool is_subscribed_ = false;
    bool came_late_ = false;  ///< `start` has returned before it was subscribed

    std::atomic<bool> ended_{false};
    std::thread thread_;
};

}  // namespace carillon::bus
