#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <string>
#include <vector>

#include "app/serve_config.hpp"
#include "base/log.hpp"

/// Options that `serve` and the single services have alike.
namespace carillon::cli {

struct LogOptions {
    base::LogLevel level = base::LogLevel::info;
    base::LogFormat format = base::LogFormat::text;
};

void add_logging(CLI::App& options, LogOptions& log);
/// Of the gateway: connections and requests.
void add_limits(CLI::App& options, app::ServeConfig& config);
/// Of the auth service.
void add_login_limits(CLI::App& options, app::ServeConfig& config);
/// Of whoever issues user tokens.
void add_token_lifetimes(CLI::App& options, app::ServeConfig& config);
void add_private_keys(CLI::App& options, std::vector<std::string>& files);
void add_sockets(CLI::App& options, app::ServeConfig& config);
void add_drain(CLI::App& options, app::ServeConfig& config);

/// Runs a process with its log started, and the stop signals blocked for `loop::wait_for_stop_signal`.
int run_logged(const LogOptions& log, const std::function<int()>& run);

}  // namespace carillon::cli
