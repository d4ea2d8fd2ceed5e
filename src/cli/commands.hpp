#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <memory>
#include <string>

namespace carillon::cli {

/// A subcommand: its options, and what it does once they are read. `run` returns the exit code.
struct Command {
    std::unique_ptr<CLI::App> options;
    std::function<int()> run;
};

Command serve_command();
Command token_command();
Command send_command();
Command migrate_command();
Command loadtest_command();
Command gateway_command();
Command notifications_command();
Command auth_command();
Command deadletters_command();

/// Adds `--config`, for the help text: the file is read before the options are.
void add_config_option(CLI::App& options);

/// An option that takes a duration ("500ms", "2s", "10m", "1h") of at least `least`.
void add_duration(CLI::App& options, const std::string& name, std::chrono::milliseconds& value,
                  const std::string& description, std::chrono::milliseconds least = std::chrono::milliseconds{1});

}  // namespace carillon::cli
