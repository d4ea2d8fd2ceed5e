#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.hpp"
#include "bus/bus.hpp"

namespace carillon::bus {

struct LocalBusConfig {
    std::size_t in_flight_max = 1'024;  ///< publishes that wait for their consumers; above: errc::overloaded
    std::uint32_t deliveries_max = 10;  ///< of one message to one group, then it is dead-lettered
    std::chrono::milliseconds retry_pause_min{50};  ///< after the first failure; doubles each time
    std::chrono::milliseconds retry_pause_max{5'000};
    std::chrono::milliseconds handler_timeout{30'000};  ///< a handler that has not answered by then counts as retry
    std::chrono::milliseconds dedupe_window{120'000};   ///< how long a published message id is remembered
    std::size_t dedupe_ids_max = 100'000;
    std::size_t follower_messages_max = 65'536;  ///< that wait for one follower; above, it gets a gap
    std::size_t follower_bytes_max = 64 * 1024 * 1024;
};

/// Told of every message that was given up. Thread: any; it must not block and not call the bus.
using DeadLetterSink = std::function<void(const DeadLetter&)>;

/// The bus within one process.
///
/// It stores nothing: `publish` returns success only when every group of the subject has acknowledged the message (or
/// it was dead-lettered) and every follower has it in its queue. An outbox in front of it that keeps its row until then
/// makes it durable. A group stays known when its last consumer has left; publishing to it is `unavailable` until one
/// is back. Consumers and followers therefore subscribe before anything is published.
///
/// A message id is remembered once its publish began: a repeat within the window does nothing when the first succeeded,
/// shares its result while it runs, and after a failure reaches only those that have not had the message.
///
/// Streams are told apart by the first word of the subject; each has its own sequence, from 1, dense.
///
/// Thread: any. Handlers run on the executor of their subscription; retries are timed on the publisher's. Call `stop`
/// before the loops of publishers and handlers are destroyed.
class LocalBus final : public Bus {
 public:
    /// `sink` may be empty. `clock` outlives the bus.
    LocalBus(const base::Clock& clock, DeadLetterSink sink, LocalBusConfig config = {});
    ~LocalBus() override;
    LocalBus(const LocalBus&) = delete;
    LocalBus& operator=(const LocalBus&) = delete;

    loop::Task<base::Result<void>> publish(Message message) override;
    std::unique_ptr<Subscription> consume(Consumer consumer) override;
    std::unique_ptr<Subscription> follow(Follower follower) override;
    loop::Task<base::Result<void>> dead_letter(DeadLetter letter) override;
    void announce(std::string subject, std::string payload) override;
    std::unique_ptr<Subscription> listen(Listener listener) override;
    bool available() const override;

    /// Ends what is in flight with errc::closed; no handler starts after it. May be called again.
    void stop();
    /// How many messages were given up since the start.
    std::uint64_t dead_letters() const;
    /// Publishes that wait for their consumers.
    std::size_t in_flight() const;

 private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace carillon::bus
