#pragma once

#include <memory>

#include "app/service_config.hpp"
#include "base/clock.hpp"
#include "bus/nats/nats_bus.hpp"
#include "http/ops_routes.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "metrics/registry.hpp"

namespace carillon::app {

/// The HTTP side of a single service: its API on one port and the operations routes beside it or on `--ops-port`.
class ServicePorts {
 public:
    /// `router` has the API's routes; both outlive this. Throws StartupError.
    ServicePorts(const ServiceConfig& config, loop::Executor executor, const base::Clock& clock,
                 metrics::Registry& metrics, http::Router& router, http::ReadinessCheck check);

    std::uint16_t port() const { return api_->port(); }
    void start();
    /// Refuses new connections and waits until those open have ended, at most for `deadline`. Blocks.
    void drain(std::chrono::milliseconds deadline);

 private:
    http::Router ops_router_;
    std::unique_ptr<http::Server> api_;
    std::unique_ptr<http::Server> ops_;
};

/// The operations routes alone, on `--ops-port`; null without it.
std::unique_ptr<http::Server> listen_for_ops(const ServiceConfig& config, loop::Executor executor,
                                             const base::Clock& clock, const http::Router& router);

/// Checks and completes what was given. Throws StartupError that names the option.
bus::NatsOptions nats_options(const ServiceConfig& config, const char* service, std::vector<bus::StreamName> streams);
const std::string& database_url(const ServiceConfig& config);

/// Prints where the service listens, and waits for the signal to stop.
void announce_and_wait(const char* service, const ServiceConfig& config, std::uint16_t port, std::ostream& out);

}  // namespace carillon::app
