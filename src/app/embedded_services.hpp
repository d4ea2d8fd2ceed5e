#pragma once

#include <memory>

#include "app/data_dir.hpp"
#include "app/serve_config.hpp"
#include "base/clock.hpp"
#include "bus/bus.hpp"
#include "gateway/auth_api.hpp"
#include "gateway/notification_api.hpp"
#include "metrics/registry.hpp"
#include "token/token.hpp"

namespace carillon::app {

/// The notification service and the auth service in this process, on SQLite and the bus in the process: what a gateway
/// needs behind it. Both listen on loopback, on their own ports, and share a loop.
class EmbeddedServices {
 public:
    /// Opens the database and the ports; nothing runs yet. Throws StartupError. `clock` and `metrics` outlive it.
    EmbeddedServices(const ServeConfig& config, const DataDir& directory, const Keys& keys, const base::Clock& clock,
                     metrics::Registry& metrics);
    ~EmbeddedServices();
    EmbeddedServices(const EmbeddedServices&) = delete;
    EmbeddedServices& operator=(const EmbeddedServices&) = delete;

    bus::Bus& bus();
    gateway::NotificationApi& notification_api();
    gateway::AuthApi& auth_api();
    const token::UserTokenVerifier& verifier() const;
    std::uint16_t auth_port() const;
    std::uint16_t notifications_port() const;

    /// Starts the loop. Its ports answer from here on.
    void start_serving();
    /// Starts to publish what is due. After every follower of the bus has subscribed: what was committed before a crash
    /// must find them there.
    void start_publishing();
    /// Refuses new connections, finishes what is in flight, publishes what is committed, and closes the database.
    /// Blocks the calling thread.
    void stop();

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace carillon::app
