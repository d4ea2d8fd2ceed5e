#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace carillon::cli {

/// Reads an environment variable.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The process's own.
Environment process_environment();

/// The `CARILLON_…` variables among `names` that belong to no option of any of the commands: typos, most likely.
std::vector<std::string> unknown_variables(const std::vector<std::string>& names,
                                           const std::vector<const CLI::App*>& commands);

/// Completes the arguments of `command` (those after its name) with what the environment and the file of `--config`
/// say: a flag is stronger than `CARILLON_` + its name in capitals, and that is stronger than the key in the TOML file.
/// `CARILLON_CONFIG` names the file too. A list in the environment is comma-separated; an
/// empty variable counts as none.
/// Throws CLI::Error (one line, exit code 2) for a file that cannot be read or a key that no option has.
std::vector<std::string> complete_arguments(const CLI::App& command, const std::vector<std::string>& arguments,
                                            const Environment& environment);

}  // namespace carillon::cli
