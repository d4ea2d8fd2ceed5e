#include <CLI/Option.hpp>

#include "base/duration.hpp"
#include "cli/commands.hpp"

namespace carillon::cli {

void add_config_option(CLI::App& options) {
    options
        .add_option("--config", "TOML file with options as keys; a flag or CARILLON_… in the environment is stronger")
        ->type_name("FILE");
}

void add_duration(CLI::App& options, const std::string& name, std::chrono::milliseconds& value,
                  const std::string& description, std::chrono::milliseconds least) {
    const CLI::callback_t read = [&value, name, least](const CLI::results_t& given) {
        const auto duration = base::parse_duration(given.front());
        if (!duration) {
            throw CLI::ValidationError(name, "wants a duration like 500ms, 2s, 10m or 1h, not '" + given.front() + "'");
        }
        if (*duration < least) {
            throw CLI::ValidationError(
                name, "wants at least " + base::format_duration(least) + ", not '" + given.front() + "'");
        }
        value = *duration;
        return true;
    };
    options.add_option(name, read, description)
        ->type_name("DURATION")
        ->default_str(base::format_duration(value))
        ->run_callback_for_default(false);
}

}  // namespace carillon::cli
