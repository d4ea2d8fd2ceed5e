#pragma once

#include <ostream>

#include "app/service_config.hpp"

namespace carillon::app {

// Each runs one service until SIGINT or SIGTERM, then drains. Prints its URL to `out` once it listens: it does so, and
// recovers, while NATS, its database or the other services are away, and says so at `/readyz`. The stop signals must be
// blocked already (loop::block_stop_signals). Returns the exit code; throws StartupError when it cannot start.

int run_gateway(const ServiceConfig& config, std::ostream& out);
int run_notifications(const ServiceConfig& config, std::ostream& out);
int run_auth(const ServiceConfig& config, std::ostream& out);

}  // namespace carillon::app
