#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "bus/bus.hpp"
#include "bus/node_registry.hpp"
#include "gateway/auth_api.hpp"
#include "gateway/comeback.hpp"
#include "gateway/config.hpp"
#include "gateway/notification_api.hpp"
#include "http/ops_routes.hpp"
#include "http/router.hpp"
#include "loop/task.hpp"
#include "metrics/registry.hpp"
#include "token/token.hpp"

namespace carillon::gateway {

/// What the gateway leans on. All of it outlives the gateway and the shards' loops.
struct GatewayServices {
    NotificationApi& notifications;
    AuthApi& accounts;
    const token::UserTokenVerifier& tokens;
    bus::Bus& bus;
    metrics::Registry& metrics;
    const base::Clock& clock;
    const token::InternalTokens& internal_tokens;  ///< between gateways
    bus::NodeRegistry& nodes;                      ///< of the gateways
    const PidSealer& pids;
};

/// Adds routes to the public port: the demo page, the API descriptions.
using ExtraRoutes = std::function<void(http::Router&)>;

/// The gateway: Socket.IO, public REST, `/livez`, `/readyz` and `/metrics` on one port, over N shards.
///
///     Gateway gateway{config, {loop.executor()}, services, [](http::Router& router) { add_static_files(…); }};
///     gateway.start();              // before anything is published
///     co_await gateway.drain(5s);   // on SIGTERM
///     gateway.stop();
///
/// Destroy it after the shards' loops have ended (their threads joined) and before the loops themselves are destroyed.
class Gateway {
 public:
    /// Listens at once, accepts from `start()` on. One shard per executor (1 to 64), each a loop of one thread. Throws
    /// std::system_error, naming the address, when it cannot listen.
    Gateway(GatewayConfig config, std::vector<loop::Executor> shards, GatewayServices services,
            const ExtraRoutes& extra_routes = {});
    ~Gateway();
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;

    std::uint16_t port() const;
    /// Follows the bus (before it returns), then accepts. Thread: any, once.
    void start();
    /// Not ready any more, 503 for new handshakes; sockets are told `server:draining` and closed, spread over `window`.
    /// Ends when they are closed. Runs on any executor.
    loop::Task<void> drain(std::chrono::milliseconds window);
    /// Closes everything at once, each shard on its own thread; returns when all have, or after 5 s. Thread: not a
    /// shard's, and while the loops still run.
    void stop();
    /// What `/readyz` says.
    loop::Task<http::Readiness> readiness();

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace carillon::gateway
