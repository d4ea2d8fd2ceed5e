#pragma once

#include <memory>

#include "bus/bus.hpp"
#include "loop/task.hpp"
#include "metrics/registry.hpp"
#include "notifications/notification_service.hpp"

namespace carillon::notifications {

/// Turns `user.registered` into a welcome notification, once per user however often the event comes. All instances of
/// the service share the durable name `notification-service`.
///
/// A payload that breaks the contract is poison; a store that is away or overloaded asks for a retry. Counts
/// `bus_events_total{subject,result}` with result `applied`, `duplicate`, `retry` or `poison`.
class UserRegisteredConsumer {
 public:
    /// Begins to consume at once, on `executor`. `service` and `metrics` live as long as the executor runs: a handler
    /// that is under way when the consumer is destroyed is not waited for.
    UserRegisteredConsumer(bus::Bus& bus, loop::Executor executor, NotificationService& service,
                           metrics::Registry& metrics);
    ~UserRegisteredConsumer();
    UserRegisteredConsumer(const UserRegisteredConsumer&) = delete;
    UserRegisteredConsumer& operator=(const UserRegisteredConsumer&) = delete;

 private:
    struct Handling;
    // Handlers under way hold it, too.
    std::shared_ptr<Handling> handling_;
    std::unique_ptr<bus::Subscription> subscription_;
};

}  // namespace carillon::notifications
