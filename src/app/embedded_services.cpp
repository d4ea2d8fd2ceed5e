#include "app/embedded_services.hpp"

#include <fmt/format.h>

#include <future>
#include <system_error>

#include "app/direct_auth_api.hpp"
#include "app/direct_notification_api.hpp"
#include "app/service_parts.hpp"
#include "app/user_keys.hpp"
#include "auth/auth_routes.hpp"
#include "auth/auth_service.hpp"
#include "base/log.hpp"
#include "bus/local/local_bus.hpp"
#include "http/ops_routes.hpp"
#include "http/server.hpp"
#include "loop/event_loop.hpp"
#include "notifications/notification_routes.hpp"
#include "notifications/notification_service.hpp"
#include "notifications/user_data_routes.hpp"
#include "notifications/user_data_service.hpp"
#include "notifications/user_registered_consumer.hpp"
#include "outbox/relay.hpp"
#include "store/open_error.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_notification_store.hpp"
#include "store/sqlite/sqlite_outbox_store.hpp"
#include "store/sqlite/sqlite_revocation_store.hpp"
#include "store/sqlite/sqlite_session_store.hpp"
#include "store/sqlite/sqlite_user_data_store.hpp"
#include "store/sqlite/sqlite_user_store.hpp"

namespace carillon::app {
namespace {

store::SqliteOptions sqlite_options(const ServeConfig& config, const DataDir& directory) {
    store::SqliteOptions options;
    options.directory = directory.path();
    options.schema = config.migrate ? store::SchemaPolicy::migrate : store::SchemaPolicy::require;
    return options;
}

// The demo page sends to the user who is signed in.
auth::AuthConfig embedded_auth_config(const ServeConfig& config, const std::string& public_keys) {
    auto auth = auth_config(config, public_keys);
    auth.granted_permissions.emplace_back(token::permission::kCreateSelf);
    return auth;
}

std::unique_ptr<store::SqliteDatabase> open_database(store::SqliteOptions options, metrics::Registry& metrics) {
    try {
        return std::make_unique<store::SqliteDatabase>(std::move(options), metrics);
    } catch (const store::OpenError& error) {
        throw StartupError(error.what());
    }
}

// A store that is away must not cost a new user the welcome: a message is retried for hours before it is given up, and
// its row stays in the outbox meanwhile. What can never work is poison and does not wait.
bus::LocalBusConfig bus_config() {
    bus::LocalBusConfig config;
    config.deliveries_max = 2'000;
    return config;
}

loop::Task<void> stop_relays(outbox::Relay& first, outbox::Relay& second, std::promise<void>& done) {
    co_await first.stop(kRelayStopDeadline);
    co_await second.stop(kRelayStopDeadline);
    done.set_value();
}

}  // namespace

// Members are in the order of construction: what is below uses what is above.
struct EmbeddedServices::Impl {
    Impl(const ServeConfig& config, const DataDir& directory, const Keys& keys, const base::Clock& clock,
         metrics::Registry& metrics)
        : database{open_database(sqlite_options(config, directory), metrics)},
          bus{clock, {}, bus_config()},
          user_keys{issuing_keys(config, keys.jwt_secret)},
          internal_tokens{keys.internal_secret},
          notification_relay{loop.executor(), notification_outbox, bus, metrics, relay_config("notifications")},
          auth_relay{loop.executor(), auth_outbox, bus, metrics, relay_config("auth")},
          notification_service{notification_store, clock, metrics},
          user_data_service{notification_store, user_data_store, clock},
          refresh_tokens{keys.internal_secret},
          auth_service{{user_store, session_store, revocation_store},
                       {user_keys.signer, *user_keys.verifier, refresh_tokens},
                       clock,
                       metrics,
                       embedded_auth_config(config, user_keys.public_keys)},
          consumer{bus, loop.executor(), notification_service, metrics},
          notification_router{clock, metrics, {user_keys.verifier.get(), &internal_tokens}, "notifications"},
          auth_router{clock, metrics, {user_keys.verifier.get(), &internal_tokens}, "auth"},
          notification_api{loop.executor(), notification_service, user_data_service},
          auth_api{loop.executor(), auth_router, auth_service, internal_tokens, clock} {
        notifications::add_notification_routes(notification_router, notification_service);
        notifications::add_user_data_routes(notification_router, user_data_service);
        http::add_ops_routes(notification_router, metrics, [this] { return store_readiness(notification_service); });
        auth::add_auth_routes(auth_router, auth_service);
        http::add_ops_routes(auth_router, metrics, [this] { return store_readiness(auth_service); });
        auth_server = listen("--auth-port", loop.executor(), {"127.0.0.1", config.auth_port}, clock, auth_router);
        notification_server = listen("--notifications-port", loop.executor(), {"127.0.0.1", config.notifications_port},
                                     clock, notification_router);
    }

    loop::EventLoop loop{"services"};
    std::unique_ptr<store::SqliteDatabase> database;
    store::SqliteNotificationStore notification_store{*database};
    store::SqliteUserDataStore user_data_store{*database};
    store::SqliteUserStore user_store{*database};
    store::SqliteSessionStore session_store{*database};
    store::SqliteRevocationStore revocation_store{*database};
    store::SqliteOutboxStore notification_outbox{*database, store::OutboxName::notification};
    store::SqliteOutboxStore auth_outbox{*database, store::OutboxName::auth};
    bus::LocalBus bus;
    IssuingKeys user_keys;
    token::InternalTokens internal_tokens;
    outbox::Relay notification_relay;
    outbox::Relay auth_relay;
    notifications::NotificationService notification_service;
    notifications::UserDataService user_data_service;
    auth::RefreshTokens refresh_tokens;
    auth::AuthService auth_service;
    notifications::UserRegisteredConsumer consumer;
    http::Router notification_router;
    http::Router auth_router;
    DirectNotificationApi notification_api;
    DirectAuthApi auth_api;
    std::unique_ptr<http::Server> auth_server;
    std::unique_ptr<http::Server> notification_server;
    bool serving = false;
};

EmbeddedServices::EmbeddedServices(const ServeConfig& config, const DataDir& directory, const Keys& keys,
                                   const base::Clock& clock, metrics::Registry& metrics)
    : impl_{std::make_unique<Impl>(config, directory, keys, clock, metrics)} {}

EmbeddedServices::~EmbeddedServices() {
    stop();
}

bus::Bus& EmbeddedServices::bus() {
    return impl_->bus;
}
gateway::NotificationApi& EmbeddedServices::notification_api() {
    return impl_->notification_api;
}
gateway::AuthApi& EmbeddedServices::auth_api() {
    return impl_->auth_api;
}
const token::UserTokenVerifier& EmbeddedServices::verifier() const {
    return *impl_->user_keys.verifier;
}
std::uint16_t EmbeddedServices::auth_port() const {
    return impl_->auth_server->port();
}
std::uint16_t EmbeddedServices::notifications_port() const {
    return impl_->notification_server->port();
}

void EmbeddedServices::start_serving() {
    impl_->loop.start();
    impl_->auth_server->start();
    impl_->notification_server->start();
    impl_->serving = true;
}

void EmbeddedServices::start_publishing() {
    impl_->notification_relay.start();
    impl_->auth_relay.start();
}

void EmbeddedServices::stop() {
    if (impl_->serving) {
        impl_->auth_server->drain();
        impl_->notification_server->drain();
        std::promise<void> done;
        auto stopped = done.get_future();
        loop::spawn(impl_->loop.executor(), stop_relays(impl_->notification_relay, impl_->auth_relay, done), "stop");
        stopped.wait();
    }
    impl_->serving = false;
    impl_->bus.stop();
    // Callers of the store are answered on the loop, so the store ends while the loop is still there.
    impl_->database->close();
    impl_->loop.stop();
    impl_->loop.join();
}

}  // namespace carillon::app
