#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "bus/bus.hpp"
#include "bus/nats/ack_subject.hpp"
#include "bus/nats/link_keeper.hpp"
#include "bus/nats/sender.hpp"

namespace carillon::bus {

/// One of the consumers that share a durable name: a pull consumer with explicit acknowledgements. Asks for as many
/// messages as handlers are free, runs each handler on the consumer's executor, tells JetStream that long work is in
/// progress, and gives a message up after a finite number of deliveries.
///
/// The server itself is told to deliver without end: a message whose handler takes the process with it is counted by
/// the server and given up by the next one that gets it, instead of being forgotten.
///
/// One thread of its own, which ends with `end` or with the keeper.
class PullConsumer {
 public:
    PullConsumer(const NatsOptions& options, LinkKeeper& keeper, Sender& sender, StreamName stream, Consumer consumer);
    ~PullConsumer();
    PullConsumer(const PullConsumer&) = delete;
    PullConsumer& operator=(const PullConsumer&) = delete;

    void start();
    /// No handler starts after this. Thread: any; does not block.
    void end();
    /// Blocks until the thread has ended; after `end`, or when the keeper has stopped.
    void join();

 private:
    struct Work;
    class Shared;

    void run();
    bool ensure_consumer(Link& link);
    void pull(Link& link, const SubscriptionHandle& subscription, const std::string& inbox);
    bool on_status(natsMsg* message);
    void on_message(natsMsg* message, const AckSubject& meta);

    // Constant after construction.
    const NatsOptions& options_;
    LinkKeeper& keeper_;
    const StreamName stream_;
    const std::shared_ptr<Shared> shared_;

    // Touched only on its own thread.
    std::int64_t stream_created_ = 0;
    bool consumer_seen_ = false;
    std::uint64_t acknowledged_up_to_ = 0;  ///< where the durable has been, should somebody delete it
    std::size_t asked_for_ = 0;             ///< of the pull request under way

    std::thread thread_;
};

}  // namespace carillon::bus
