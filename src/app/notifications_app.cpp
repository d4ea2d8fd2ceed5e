#include <future>

#include "app/service_apps.hpp"
#include "app/service_parts.hpp"
#include "app/service_process.hpp"
#include "base/log.hpp"
#include "loop/event_loop.hpp"
#include "notifications/notification_routes.hpp"
#include "notifications/notification_service.hpp"
#include "notifications/user_data_routes.hpp"
#include "notifications/user_data_service.hpp"
#include "notifications/user_registered_consumer.hpp"
#include "store/open_error.hpp"
#include "store/postgres/postgres.hpp"

namespace carillon::app {
namespace {

using bus::StreamName;

store::PostgresOptions postgres_options(const ServiceConfig& config) {
    store::PostgresOptions options;
    options.url = database_url(config);
    options.schema = config.part.migrate ? store::SchemaPolicy::migrate : store::SchemaPolicy::require;
    return options;
}

std::unique_ptr<store::PostgresNotifications> open_store(const ServiceConfig& config, loop::Executor executor,
                                                         metrics::Registry& metrics) {
    try {
        return store::open_postgres_notifications(postgres_options(config), std::move(executor), metrics);
    } catch (const store::OpenError& error) {
        throw StartupError(error.what());
    }
}

loop::Task<void> stop_relay(outbox::Relay& relay, std::promise<void>& done) {
    co_await relay.stop(kRelayStopDeadline);
    done.set_value();
}

/// Ready while the store answers: with NATS away creates still work, and the outbox holds their events. Its state is
/// shown.
loop::Task<http::Readiness> readiness_of(notifications::NotificationService& service, const bus::Bus& bus) {
    auto asking = store_readiness(service);
    auto readiness = co_await std::move(asking);
    const bool there = bus.available();
    readiness.dependencies.push_back({"bus", there, there ? "" : "away: events wait in the outbox", false});
    co_return readiness;
}

/// Members are in the order of construction: what is below uses what is above.
struct NotificationsProcess {
    explicit NotificationsProcess(const ServiceConfig& config)
        : internal_tokens{checked_secret("--internal-secret", config.part.internal_secret)},
          bus{nats_options(config, "notifications",
                           {StreamName::user_event, StreamName::notification_event, StreamName::dead_letter})},
          store{open_store(config, loop.executor(), metrics)},
          relay{loop.executor(), store->outbox(), bus, metrics, relay_config("notifications")},
          service{store->store(), clock, metrics},
          user_data{store->store(), store->user_data(), clock},
          router{clock, metrics, {nullptr, &internal_tokens}, "notifications"} {
        notifications::add_notification_routes(router, service);
        notifications::add_user_data_routes(router, user_data);
        ports = std::make_unique<ServicePorts>(config, loop.executor(), clock, metrics, router,
                                               [this] { return readiness_of(service, bus); });
    }

    void start() {
        loop.start();
        bus.start();
        ports->start();
        relay.start();
        consumer = std::make_unique<notifications::UserRegisteredConsumer>(bus, loop.executor(), service, metrics);
    }

    void stop(std::chrono::milliseconds window) {
        ports->drain(window);
        consumer.reset();
        std::promise<void> done;
        auto stopped = done.get_future();
        loop::spawn(loop.executor(), stop_relay(relay, done), "stop");
        stopped.wait();
        bus.stop();
        store->close();
        loop.stop();
        loop.join();
    }

    const base::Clock& clock = base::system_clock();
    metrics::Registry metrics;
    loop::EventLoop loop{"notifications"};
    token::InternalTokens internal_tokens;
    bus::NatsBus bus;
    std::unique_ptr<store::PostgresNotifications> store;
    outbox::Relay relay;
    notifications::NotificationService service;
    notifications::UserDataService user_data;
    http::Router router;
    std::unique_ptr<ServicePorts> ports;
    std::unique_ptr<notifications::UserRegisteredConsumer> consumer;
};

}  // namespace

int run_notifications(const ServiceConfig& config, std::ostream& out) {
    NotificationsProcess process{config};
    process.start();
    announce_and_wait("notification service", config, process.ports->port(), out);
    process.stop(config.part.drain_window);
    base::log_info("stopped");
    return 0;
}

}  // namespace carillon::app
