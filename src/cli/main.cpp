#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <functional>
#include <iostream>
#include <string_view>
#include <vector>

#include "app/data_dir.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"

namespace {

using namespace carillon;

struct Entry {
    std::string_view name;
    std::string_view summary;
    cli::Command (*make)();
};

constexpr Entry kCommands[] = {
    {"serve", "everything in one process: the bell at http://localhost:3000", cli::serve_command},
    {"gateway", "the gateway alone, on NATS", cli::gateway_command},
    {"notifications", "the notification service alone, on NATS and PostgreSQL", cli::notifications_command},
    {"auth", "the auth service alone, on NATS and PostgreSQL", cli::auth_command},
    {"deadletters", "look into the events that were given up, and replay them", cli::deadletters_command},
    {"send", "send a notification through a running gateway", cli::send_command},
    {"token", "print a user's or a service's token", cli::token_command},
    {"migrate", "bring the database up to date", cli::migrate_command},
    {"loadtest", "put a load on a gateway, check every delivery, report", cli::loadtest_command},
};

constexpr int kUsageError = 2;

void print_usage(std::ostream& out) {
    out << "Carillon " << CARILLON_VERSION << ": realtime in-app notifications\n\n"
        << "usage: carillon COMMAND [OPTION ...]\n\n";
    for (const auto& entry : kCommands) {
        out << "  " << entry.name << std::string(15 - entry.name.size(), ' ') << entry.summary << '\n';
    }
    out << "\n`carillon COMMAND --help` lists its options. Each is a flag, an environment variable (CARILLON_ and\n"
           "its name in capitals, - as _) and a key of the TOML file given with --config, in that order of strength.\n";
}

/// Says of each CARILLON_… variable that no command reads that it was not read.
void warn_of_unknown_variables() {
    std::vector<cli::Command> commands;
    std::vector<const CLI::App*> options;
    for (const auto& entry : kCommands) {
        commands.push_back(entry.make());
        options.push_back(commands.back().options.get());
    }
    std::vector<std::string> names;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        names.emplace_back(*variable, std::strcspn(*variable, "="));
    }
    for (const auto& name : cli::unknown_variables(names, options)) {
        std::cerr << "carillon: " << name << " in the environment is no option, and is not used\n";
    }
}

/// One write, so that no log line of another thread comes in between.
void complain(const Entry& entry, const std::string& what) {
    std::cerr << "carillon " + std::string{entry.name} + ": " + what + '\n';
}

int run_command(const Entry& entry, std::vector<std::string> arguments) {
    cli::Command command = entry.make();
    command.options->name("carillon " + std::string{entry.name});
    try {
        auto completed = cli::complete_arguments(*command.options, arguments, cli::process_environment());
        std::reverse(completed.begin(), completed.end());
        command.options->parse(completed);
        return command.run();
    } catch (const CLI::CallForHelp&) {
        std::cout << command.options->help();
        return 0;
    } catch (const CLI::ArgumentMismatch& error) {
        // Its text counts and names types; what is wanted is simpler.
        const std::string text = error.what();
        std::cerr << "carillon " << entry.name << ": " << text.substr(0, text.find(':')) << ": wants one value"
                  << " (see `carillon " << entry.name << " --help`)\n";
    } catch (const CLI::Error& error) {
        complain(entry, std::string{error.what()} + " (see `carillon " + std::string{entry.name} + " --help`)");
    } catch (const app::StartupError& error) {
        complain(entry, error.what());
    }
    return kUsageError;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments{argv + 1, argv + argc};
    if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
        print_usage(arguments.empty() ? std::cerr : std::cout);
        return arguments.empty() ? kUsageError : 0;
    }
    if (arguments[0] == "--version") {
        std::cout << "carillon " << CARILLON_VERSION << '\n';
        return 0;
    }
    const auto* entry = std::find_if(std::begin(kCommands), std::end(kCommands),
                                     [&](const Entry& candidate) { return candidate.name == arguments[0]; });
    if (entry == std::end(kCommands)) {
        std::cerr << "carillon: there is no command '" << arguments[0] << "' (see `carillon --help`)\n";
        return kUsageError;
    }
    try {
        warn_of_unknown_variables();
        return run_command(*entry, {arguments.begin() + 1, arguments.end()});
    } catch (const std::exception& error) {
        complain(*entry, error.what());
        return 1;
    }
}
