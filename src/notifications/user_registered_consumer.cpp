#include "notifications/user_registered_consumer.hpp"

#include <string>
#include <utility>

#include "base/log.hpp"
#include "contracts/bus_events.hpp"
#include "notifications/welcome.hpp"

namespace carillon::notifications {
namespace {

constexpr const char* kDurableName = "notification-service";

metrics::Counter& events_total(metrics::Registry& metrics, const char* result) {
    return metrics.counter("bus_events_total", "Events of the bus, by what became of them",
                           {{"subject", bus::subject::kUserRegistered}, {"result", result}});
}

}  // namespace

struct UserRegisteredConsumer::Handling {
    Handling(NotificationService& notifications, metrics::Registry& metrics)
        : service{notifications},
          applied{events_total(metrics, "applied")},
          duplicate{events_total(metrics, "duplicate")},
          retry{events_total(metrics, "retry")},
          poison{events_total(metrics, "poison")} {}

    static loop::Task<bus::Outcome> handle(std::shared_ptr<Handling> self, bus::Delivery delivery);

    NotificationService& service;
    metrics::Counter& applied;
    metrics::Counter& duplicate;
    metrics::Counter& retry;
    metrics::Counter& poison;
};

loop::Task<bus::Outcome> UserRegisteredConsumer::Handling::handle(std::shared_ptr<Handling> self,
                                                                  bus::Delivery delivery) {
    const auto event = contracts::decode_user_registered(delivery.message.payload);
    if (!event) {
        self->poison.increment();
        base::log_warn("an event breaks the contract", {{"subject", delivery.message.subject},
                                                        {"messageId", delivery.message.message_id},
                                                        {"reason", event.error().summary()}});
        co_return bus::Outcome::poison;
    }
    // By user, not by event: a user is welcomed once, also when the event comes again under another id, or without one.
    auto key = std::string{bus::subject::kUserRegistered} + ":" + event->user_id.to_string();
    auto creating = self->service.create_once(welcome_for(*event), std::move(key), delivery.message.traceparent);
    const auto created = co_await std::move(creating);
    if (created) {
        self->applied.increment();
        co_return bus::Outcome::acknowledged;
    }
    if (created.error() == store::errc::already_applied) {
        self->duplicate.increment();
        co_return bus::Outcome::acknowledged;
    }
    self->retry.increment();
    base::log_warn("an event waits for the store", {{"subject", delivery.message.subject},
                                                    {"messageId", delivery.message.message_id},
                                                    {"attempt", delivery.attempt},
                                                    {"reason", created.error().message()}});
    co_return bus::Outcome::retry;
}

UserRegisteredConsumer::UserRegisteredConsumer(bus::Bus& bus, loop::Executor executor, NotificationService& service,
                                               metrics::Registry& metrics)
    : handling_{std::make_shared<Handling>(service, metrics)} {
    bus::Consumer consumer;
    consumer.durable_name = kDurableName;
    consumer.subject = bus::subject::kUserRegistered;
    consumer.executor = std::move(executor);
    consumer.handler = [handling = handling_](bus::Delivery delivery) {
        return Handling::handle(handling, std::move(delivery));
    };
    subscription_ = bus.consume(std::move(consumer));
}

UserRegisteredConsumer::~UserRegisteredConsumer() = default;

}  // namespace carillon::notifications
