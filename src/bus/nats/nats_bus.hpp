#pragma once

#include <memory>

#include "bus/bus.hpp"
#include "bus/nats/nats_options.hpp"
#include "bus/node_registry.hpp"

namespace carillon::bus {

/// The bus on NATS JetStream 2.9 and newer: streams USER_EVENT, NOTIFICATION_EVENT and DEAD_LETTER.
///
/// It is there whether NATS is or not: it connects by itself, as often as it takes, makes the streams and consumers
/// that are missing, and says each trouble once in the log with what to do. Meanwhile `publish` fails with
/// `unavailable`.
///
/// A consumer's durable is kept by JetStream: it gets what was published while nobody was there. A follower's position
/// is kept here: after a lost connection it goes on behind the last sequence it saw.
///
/// Loops never wait for a socket: a thread writes, another reads the acknowledgements, and each consumer and each
/// follower has one. Thread: any. Call `stop` before the loops of publishers and handlers are destroyed.
class NatsBus final : public Bus {
 public:
    explicit NatsBus(NatsOptions options);
    ~NatsBus() override;
    NatsBus(const NatsBus&) = delete;
    NatsBus& operator=(const NatsBus&) = delete;

    /// Begins to connect. Publish, consume and follow after it.
    void start();

    loop::Task<base::Result<void>> publish(Message message) override;
    std::unique_ptr<Subscription> consume(Consumer consumer) override;
    /// Blocks until it is subscribed, at most for `NatsOptions::subscribe_wait`.
    std::unique_ptr<Subscription> follow(Follower follower) override;
    loop::Task<base::Result<void>> dead_letter(DeadLetter letter) override;
    void announce(std::string subject, std::string payload) override;
    std::unique_ptr<Subscription> listen(Listener listener) override;
    bool available() const override;

    /// Who is there, over this bus's connection. Destroy it before the bus stops.
    std::unique_ptr<NodeRegistry> node_registry();

    /// Ends what is in flight with errc::closed; no handler starts after it. Blocks until all threads have ended. May
    /// be called again.
    void stop();

 private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace carillon::bus
