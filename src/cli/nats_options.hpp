#pragma once

#include <CLI/App.hpp>

#include "bus/nats/nats_options.hpp"

namespace carillon::cli {

/// How to reach NATS.
void add_nats_connection(CLI::App& options, bus::NatsOptions& nats);
/// That, and how streams are made.
void add_nats(CLI::App& options, bus::NatsOptions& nats);

}  // namespace carillon::cli
