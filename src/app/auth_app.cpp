#include <future>

#include "app/service_apps.hpp"
#include "app/service_parts.hpp"
#include "app/service_process.hpp"
#include "app/user_keys.hpp"
#include "auth/auth_routes.hpp"
#include "auth/auth_service.hpp"
#include "base/log.hpp"
#include "loop/event_loop.hpp"
#include "store/open_error.hpp"
#include "store/postgres/postgres.hpp"

namespace carillon::app {
namespace {

std::unique_ptr<store::PostgresUsers> open_store(const ServiceConfig& config, loop::Executor executor,
                                                 metrics::Registry& metrics) {
    store::PostgresOptions options;
    options.url = database_url(config);
    options.schema = config.part.migrate ? store::SchemaPolicy::migrate : store::SchemaPolicy::require;
    try {
        return store::open_postgres_users(options, std::move(executor), metrics);
    } catch (const store::OpenError& error) {
        throw StartupError(error.what());
    }
}

loop::Task<void> stop_relay(outbox::Relay& relay, std::promise<void>& done) {
    co_await relay.stop(kRelayStopDeadline);
    done.set_value();
}

/// Ready while the store answers, as the notification service.
loop::Task<http::Readiness> readiness_of(auth::AuthService& service, const bus::Bus& bus) {
    auto asking = store_readiness(service);
    auto readiness = co_await std::move(asking);
    const bool there = bus.available();
    readiness.dependencies.push_back({"bus", there, there ? "" : "away: events wait in the outbox", false});
    co_return readiness;
}

/// Members are in the order of construction: what is below uses what is above.
struct AuthProcess {
    explicit AuthProcess(const ServiceConfig& config)
        : keys{issuing_keys(config.part, config.part.jwt_private_key_files.empty()
                                             ? checked_secret("--jwt-secret", config.part.jwt_secret)
                                             : std::string{})},
          internal_tokens{checked_secret("--internal-secret", config.part.internal_secret)},
          bus{nats_options(config, "auth", {bus::StreamName::user_event, bus::StreamName::token_event})},
          store{open_store(config, loop.executor(), metrics)},
          relay{loop.executor(), store->outbox(), bus, metrics, relay_config("auth")},
          refresh_tokens{config.part.internal_secret},
          service{{store->store(), store->sessions(), store->revocations()},
                  {keys.signer, *keys.verifier, refresh_tokens},
                  clock,
                  metrics,
                  auth_config(config.part, keys.public_keys)},
          router{clock, metrics, {keys.verifier.get(), &internal_tokens}, "auth"} {
        auth::add_auth_routes(router, service);
        ports = std::make_unique<ServicePorts>(config, loop.executor(), clock, metrics, router,
                                               [this] { return readiness_of(service, bus); });
    }

    void start() {
        loop.start();
        bus.start();
        ports->start();
        relay.start();
    }

    void stop(std::chrono::milliseconds window) {
        ports->drain(window);
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
    loop::EventLoop loop{"auth"};
    IssuingKeys keys;
    token::InternalTokens internal_tokens;
    bus::NatsBus bus;
    std::unique_ptr<store::PostgresUsers> store;
    outbox::Relay relay;
    auth::RefreshTokens refresh_tokens;
    auth::AuthService service;
    http::Router router;
    std::unique_ptr<ServicePorts> ports;
};

}  // namespace

int run_auth(const ServiceConfig& config, std::ostream& out) {
    AuthProcess process{config};
    process.start();
    announce_and_wait("auth service", config, process.ports->port(), out);
    process.stop(config.part.drain_window);
    base::log_info("stopped");
    return 0;
}

}  // namespace carillon::app
