#pragma once

#include <ostream>

#include "app/serve_config.hpp"

namespace carillon::app {

/// Runs everything in one process until SIGINT or SIGTERM, then drains. Prints the URLs to `out` once it is ready.
/// The stop signals must be blocked already (loop::block_stop_signals). Returns the exit code: 0 after a clean stop.
/// Throws StartupError when it cannot start.
int serve(const ServeConfig& config, std::ostream& out);

}  // namespace carillon::app
