#include "cli/arguments.hpp"

#include <CLI/Config.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace carillon::cli {
namespace {

// The options that may come from the environment or a file: all with a long name, but those that only ask for help.
std::vector<const CLI::Option*> configurable_options(const CLI::App& command) {
    std::vector<const CLI::Option*> options;
    for (const CLI::Option* option : command.get_options()) {
        const auto& names = option->get_lnames();
        if (names.empty() || names.front() == "help" || names.front() == "config") continue;
        options.push_back(option);
    }
    return options;
}

std::string environment_name(const std::string& flag) {
    std::string name = "CARILLON_";
    for (char c : flag) name.push_back(c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
    return name;
}

bool is_repeatable(const CLI::Option& option) {
    return option.get_expected_max() > 1;
}
bool is_switch(const CLI::Option& option) {
    return option.get_expected_max() == 0;
}

std::optional<std::string> flag_value(const std::vector<std::string>& arguments, const std::string& flag) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--" + flag && i + 1 < arguments.size()) return arguments[i + 1];
        if (arguments[i].rfind("--" + flag + "=", 0) == 0) return arguments[i].substr(flag.size() + 3);
    }
    return std::nullopt;
}

bool is_given(const std::vector<std::string>& arguments, const std::string& flag) {
    return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
        return argument == "--" + flag || argument.rfind("--" + flag + "=", 0) == 0;
    });
}

std::vector<std::string> split_commas(const std::string& text) {
    std::vector<std::string> parts;
    std::size_t at = 0;
    while (at <= text.size()) {
        const auto comma = std::min(text.find(',', at), text.size());
        if (comma > at) parts.push_back(text.substr(at, comma - at));
        at = comma + 1;
    }
    return parts;
}

bool says_yes(const std::string& flag, const std::string& value) {
    if (value == "true" || value == "1" || value == "on") return true;
    if (value == "false" || value == "0" || value == "off") return false;
    throw CLI::ValidationError("--" + flag, "wants true or false, not '" + value + "'");
}

void append_option(std::vector<std::string>& out, const CLI::Option& option, const std::vector<std::string>& values) {
    const std::string& flag = option.get_lnames().front();
    if (is_switch(option)) {
        if (!values.empty() && says_yes(flag, values.front())) out.push_back("--" + flag);
        return;
    }
    if (values.size() > 1 && !is_repeatable(option)) {
        throw CLI::ValidationError("--" + flag, "wants one value, not " + std::to_string(values.size()));
    }
    for (const auto& value : values) {
        if (value.empty()) throw CLI::ValidationError("--" + flag, "wants a value, not nothing");
        out.push_back("--" + flag + "=" + value);
    }
}

std::vector<CLI::ConfigItem> read_config_file(const std::string& path) {
    std::ifstream in{path};
    if (!in || std::filesystem::is_directory(path)) throw CLI::FileError("--config: cannot read " + path);
    try {
        return CLI::ConfigTOML{}.from_config(in);
    } catch (const CLI::Error& error) {
        throw CLI::FileError("--config: " + path + " is no TOML: " + error.what());
    }
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return std::string{value};
    };
}

std::vector<std::string> unknown_variables(const std::vector<std::string>& names,
                                           const std::vector<const CLI::App*>& commands) {
    std::set<std::string> known{"CARILLON_CONFIG"};
    for (const CLI::App* command : commands) {
        for (const CLI::Option* option : configurable_options(*command)) {
            known.insert(environment_name(option->get_lnames().front()));
        }
    }
    std::vector<std::string> unknown;
    for (const auto& name : names) {
        if (name.rfind("CARILLON_", 0) == 0 && known.count(name) == 0) unknown.push_back(name);
    }
    return unknown;
}

std::vector<std::string> complete_arguments(const CLI::App& command, const std::vector<std::string>& arguments,
                                            const Environment& environment) {
    const auto options = configurable_options(command);
    std::vector<std::string> completed;
    std::vector<std::string> from_environment;
    for (const CLI::Option* option : options) {
        const std::string& flag = option->get_lnames().front();
        if (is_given(arguments, flag)) continue;
        // Set to nothing is how a composition file leaves a variable out.
        if (const auto value = environment(environment_name(flag)); value && !value->empty()) {
            append_option(completed, *option, is_repeatable(*option) ? split_commas(*value) : std::vector{*value});
            from_environment.push_back(flag);
        }
    }
    auto config = flag_value(arguments, "config");
    if (!config) config = environment("CARILLON_CONFIG");
    if (config) {
        for (const auto& item : read_config_file(*config)) {
            if (item.name == "++" || item.name == "--") continue;  // a section's begin and end
            const auto found = std::find_if(options.begin(), options.end(), [&](const CLI::Option* option) {
                return option->get_lnames().front() == item.name;
            });
            if (!item.parents.empty() || found == options.end()) {
                throw CLI::ConfigError("--config: " + *config + ": there is no option '" + item.fullname() + "'");
            }
            const bool stronger =
                is_given(arguments, item.name) ||
                std::find(from_environment.begin(), from_environment.end(), item.name) != from_environment.end();
            if (!stronger) append_option(completed, **found, item.inputs);
        }
    }
    // `--config` has been followed; it is no option of the command itself.
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--config") {
            ++i;
        } else if (arguments[i].rfind("--config=", 0) != 0) {
            completed.push_back(arguments[i]);
        }
    }
    return completed;
}

}  // namespace carillon::cli
