#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <fstream>
#include <iostream>

#include "app/data_dir.hpp"
#include "cli/commands.hpp"
#include "loadtest/endpoint.hpp"
#include "loadtest/loadtest.hpp"

namespace carillon::cli {
namespace {

using loadtest::Plan;
using loadtest::Scenario;
using loadtest::SourcePlan;

struct LoadtestOptions {
    Plan plan;
    std::string scenario{loadtest::to_string(Scenario::mixed)};
    std::size_t clients = 50;
    std::size_t users = 0;
    std::optional<double> rate;
    std::string data_dir = "./carillon-data";
    std::string token_file;
    std::string notifications_url;
    std::string nats_url;
    std::vector<std::string> pids;
    std::string freeze;
    std::string kill;
    std::string json_file;
    std::string html_file;
    bool no_sync = false;
    bool quiet = false;
};

std::atomic<bool> stop_asked{false};

void ask_to_stop(int) {
    // The second one ends the process: the first one's handler is reset.
    stop_asked = true;
}

void listen_for_stop() {
    struct sigaction action {};
    action.sa_handler = ask_to_stop;
    action.sa_flags = SA_RESETHAND;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

[[noreturn]] void refuse(const std::string& what) {
    throw app::StartupError(what);
}

loadtest::WatchedProcess parse_process(const std::string& text) {
    const auto equals = text.find('=');
    loadtest::WatchedProcess process;
    process.name = equals == std::string::npos ? "server" : text.substr(0, equals);
    const std::string number = equals == std::string::npos ? text : text.substr(equals + 1);
    try {
        std::size_t used = 0;
        process.pid = std::stoi(number, &used);
        if (used == number.size() && process.pid > 0) return process;
    } catch (const std::exception&) {
    }
    refuse("--pid: wants NAME=PID, not '" + text + "'");
}

std::vector<std::string> read_tokens(const std::string& path) {
    std::ifstream in{path};
    if (!in) refuse("--token-file: cannot read " + path);
    std::vector<std::string> tokens;
    for (std::string line; std::getline(in, line);) {
        if (!line.empty()) tokens.push_back(line);
    }
    if (tokens.empty()) refuse("--token-file: " + path + " has no token");
    return tokens;
}

void choose_clients(LoadtestOptions& options) {
    Plan& plan = options.plan;
    if (plan.tabs == 0 || plan.tabs > loadtest::kTabsMax) {
        refuse("--tabs: wants 1 to " + std::to_string(loadtest::kTabsMax));
    }
    if (!options.token_file.empty()) {
        plan.tokens.given = read_tokens(options.token_file);
        plan.users = plan.tokens.given.size();
    } else if (options.users > 0) {
        plan.users = options.users;
    } else {
        plan.tabs = std::min(plan.tabs, std::max<std::size_t>(options.clients, 1));
        plan.users = options.clients / plan.tabs;
        if (options.clients % plan.tabs != 0) {
            refuse("--clients: wants a multiple of --tabs (" + std::to_string(plan.tabs) + "), not " +
                   std::to_string(options.clients));
        }
    }
    if (plan.users == 0) refuse("--clients: wants at least one");
}

void choose_tokens(LoadtestOptions& options) {
    auto& tokens = options.plan.tokens;
    const bool mint = tokens.given.empty() || options.plan.source.create_token.empty();
    if (tokens.jwt_secret.empty() && tokens.given.empty() && mint) {
        tokens.jwt_secret = app::DataDir::open_existing(options.data_dir).key("jwt-secret");
    }
}

void choose_source(LoadtestOptions& options) {
    auto& source = options.plan.source;
    if (!options.nats_url.empty() && !options.notifications_url.empty()) {
        refuse("--nats-url and --notifications-url exclude each other");
    }
    if (!options.nats_url.empty()) {
        source.kind = SourcePlan::Kind::nats;
        source.url = options.nats_url;
    } else if (!options.notifications_url.empty()) {
        source.kind = SourcePlan::Kind::service;
        source.url = options.notifications_url;
        if (source.internal_secret.empty()) {
            source.internal_secret = app::DataDir::open_existing(options.data_dir).key("internal-secret");
        }
    }
    if (source.callers == 0 || source.window == 0) refuse("--callers and --window: want at least 1");
}

/// What is done to the watched servers besides the load.
void choose_trouble(LoadtestOptions& options) {
    Plan& plan = options.plan;
    if (plan.hold && (plan.scenario != Scenario::push || plan.events == 0 || plan.processes.empty())) {
        refuse("--hold: wants --scenario push, --events and the gateway's --pid");
    }
    const auto choose = [&plan](const std::string& name, const char* flag, Scenario scenario) {
        if (name.empty()) return 0;
        const auto named = std::find_if(plan.processes.begin(), plan.processes.end(),
                                        [&](const auto& process) { return process.name == name; });
        if (plan.scenario != scenario || named == plan.processes.end()) {
            refuse(std::string{flag} + ": wants --scenario " + std::string{to_string(scenario)} +
                   " and the name of a --pid, not '" + name + "'");
        }
        return named->pid;
    };
    plan.freeze_pid = choose(options.freeze, "--freeze", Scenario::push);
    plan.kill_pid = choose(options.kill, "--kill", Scenario::storm);
}

Plan finish_plan(LoadtestOptions& options) {
    Plan& plan = options.plan;
    const auto scenario = loadtest::parse_scenario(options.scenario);
    if (!scenario)
        refuse("--scenario: wants connect, push, read, churn, mixed or storm, not '" + options.scenario + "'");
    plan.scenario = *scenario;
    choose_clients(options);
    choose_tokens(options);
    choose_source(options);
    if (options.rate && *options.rate < 0) refuse("--rate: wants a number of at least 0");
    if (options.rate && plan.scenario == Scenario::connect) {
        plan.connect_rate = *options.rate;
    } else if (options.rate) {
        plan.rate = *options.rate;
    }
    if (plan.source.kind == SourcePlan::Kind::nats && plan.scenario == Scenario::read) {
        refuse("--nats-url: what is only on the stream cannot be marked as read; leave it out of this scenario");
    }
    if (options.no_sync) plan.sync = false;
    if (!plan.path.ends_with('/')) plan.path += '/';
    for (const auto& text : options.pids) plan.processes.push_back(parse_process(text));
    choose_trouble(options);
    return plan;
}

void write_file(const std::string& path, const std::string& text, const char* flag) {
    if (path.empty()) return;
    std::ofstream out{path, std::ios::binary};
    out << text;
    out.close();
    if (!out) throw std::runtime_error(std::string{flag} + ": cannot write " + path);
}

/// Where progress goes: one line that is written over on a terminal, a line every five seconds elsewhere.
loadtest::Observer progress(bool quiet) {
    if (quiet) return {};
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    auto told = std::make_shared<int>(0);
    return {[terminal, told](const std::string& line) {
        if (terminal) {
            std::cerr << "\r\x1b[K" << line << std::flush;
        } else if ((*told)++ % 5 == 0) {
            std::cerr << line << '\n';
        }
    }};
}

int loadtest_main(LoadtestOptions& options) {
    const Plan plan = finish_plan(options);
    listen_for_stop();
    loadtest::Result result;
    try {
        loadtest::raise_descriptor_limit(plan.clients());
        result = loadtest::run_plan(plan, stop_asked, progress(options.quiet));
    } catch (const loadtest::SetupError& error) {
        throw app::StartupError(error.what());
    } catch (const std::invalid_argument& error) {
        throw app::StartupError(std::string{"--jwt-secret: "} + error.what());
    }
    if (!options.quiet && ::isatty(STDERR_FILENO) == 1) std::cerr << "\r\x1b[K";
    const auto verdict = loadtest::judge(plan, result);
    const loadtest::Report report{plan, result, verdict, loadtest::this_machine()};
    write_file(options.json_file, loadtest::report_json(report), "--json");
    write_file(options.html_file, loadtest::report_html(report), "--report");
    std::cout << loadtest::report_text(report) << std::flush;
    if (result.clients_connected == 0 && !result.interrupted) {
        const auto& failures = result.connections.failures;
        const std::string why = failures.empty() ? "no answer" : failures.begin()->first;
        std::cerr << "carillon loadtest: no client could connect to " << plan.urls.front() << ": " << why
                  << " (is it running? --url names it)\n";
    }
    return verdict.exit_code();
}

void add_load_options(CLI::App& app, LoadtestOptions& options) {
    Plan& plan = options.plan;
    app.add_option("--url", plan.urls, "The gateway; several are shared out among the clients")
        ->delimiter(',')
        ->expected(1, 64)
        ->capture_default_str();
    app.add_option("--scenario", options.scenario, "connect, push, read, churn, mixed or storm")->capture_default_str();
    app.add_option("--clients", options.clients, "Sockets at once")->capture_default_str();
    app.add_option("--tabs", plan.tabs, "Sockets of each user")->capture_default_str();
    app.add_option("--users", options.users, "Users, instead of --clients: users × tabs sockets");
    add_duration(app, "--duration", plan.duration, "How long the load lasts, once all are connected");
    app.add_option(
           "--rate", options.rate,
           "Notifications a second (read: marks a second; connect: connections a second); 0: as fast as it goes")
        ->default_str("50");
    app.add_option("--events", plan.events,
                   "Stop after so many notifications (read: marks) instead of after --duration");
    app.add_flag("--hold", plan.hold,
                 "push: the first --pid stands still (SIGSTOP) until all --events are made, and finds them waiting");
    app.add_option("--marking", plan.marking, "read with --rate 0: marks without their ack, at most")
        ->check(CLI::Range{1, 100'000})
        ->capture_default_str();
    app.add_option("--connect-rate", plan.connect_rate, "Connections a second while they are opened; 0: no limit")
        ->capture_default_str();
    app.add_option("--connecting", plan.connecting, "Handshakes at once, at most")->capture_default_str();
    add_duration(app, "--connect-timeout", plan.connect_timeout, "For one handshake");
    add_duration(app, "--grace", plan.grace, "How long what is on its way is waited for, when nothing comes any more");
    app.add_option("--message-rate", plan.message_rate, "Messages a second and user, at most; 0: no limit")
        ->capture_default_str();
    app.add_option("--churn-rate", plan.churn_rate, "Share of the clients that leaves each second (churn)")
        ->capture_default_str();
    app.add_option("--read-share", plan.read_share, "Share of the notifications that is marked as read (mixed)")
        ->capture_default_str();
    app.add_option("--body-bytes", plan.source.body_bytes, "Text of each notification; 100 makes frames of 300 bytes")
        ->capture_default_str();
}

void add_server_options(CLI::App& app, LoadtestOptions& options) {
    Plan& plan = options.plan;
    auto& tokens = plan.tokens;
    app.add_option("--standby-url", plan.standby_url,
                   "A gateway for clients that theirs does not let in, as a balancer would send them there");
    app.add_option("--freeze", options.freeze,
                   "push: this --pid stands still (SIGSTOP) meanwhile; a service that does not know of events made on "
                   "NATS would set their users back")
        ->type_name("NAME");
    app.add_option("--kill", options.kill, "storm: kill (SIGKILL) this --pid, instead of breaking the connections")
        ->type_name("NAME");
    app.add_option("--socketio-path", plan.path, "Path of the Socket.IO endpoint")->capture_default_str();
    app.add_option("--namespace", plan.nsp, "Namespace that the clients join")->capture_default_str();
    app.add_option("--data-dir", options.data_dir, "Where `carillon serve` keeps its keys")->capture_default_str();
    app.add_option("--jwt-secret", tokens.jwt_secret, "Secret to make the tokens with, instead of the key there");
    app.add_option("--jwt-issuer", tokens.issuer, "iss of the tokens")->capture_default_str();
    app.add_option("--jwt-audience", tokens.audience, "aud of the tokens")->capture_default_str();
    app.add_option("--token-file", options.token_file, "Tokens to use instead, one user's a line");
    app.add_option("--create-token", plan.source.create_token,
                   "Token that may create notifications, if none is to be made");
    app.add_option("--notifications-url", options.notifications_url,
                   "Create at the notification service instead of at the gateway");
    app.add_option("--internal-secret", plan.source.internal_secret, "Secret of the token for that");
    app.add_option("--internal-issuer", plan.source.internal_issuer, "iss of that token, if not Carillon's");
    app.add_option("--internal-audience", plan.source.internal_audience, "aud of that token, if not Carillon's");
    app.add_option("--nats-url", options.nats_url, "Put the events straight onto JetStream instead");
    app.add_option("--subject", plan.source.subject, "Subject there")->capture_default_str();
    app.add_flag("--without-count,!--with-count", options.plan.source.with_count,
                 "Events there without unreadCount and version: the gateway has to ask");
    app.add_option("--callers", plan.source.callers, "HTTP requests at once")->capture_default_str();
    app.add_option("--window", plan.source.window, "Events without their acknowledgement on NATS, at most")
        ->capture_default_str();
    app.add_option("--source-addresses", plan.source_addresses,
                   "Loopback addresses (127.0.1.x) to connect from; 0: one for each 5,000 clients")
        ->capture_default_str();
    app.add_flag("--no-sync", options.no_sync, "Do not use notification:sync, even if the gateway has it");
}

void add_report_options(CLI::App& app, LoadtestOptions& options) {
    auto& wanted = options.plan.thresholds;
    app.add_option("--pid", options.pids, "NAME=PID of a server whose CPU and memory are watched; repeatable")
        ->expected(1, 16);
    app.add_option("--metrics-url", options.plan.metrics_url, "Or its /metrics");
    app.add_option("--json", options.json_file, "Write the result there")->type_name("FILE");
    app.add_option("--report", options.html_file, "Write the report there, as one HTML file")->type_name("FILE");
    app.add_flag("--quiet", options.quiet, "No progress line");
    app.add_flag("--allow-busy", options.plan.ignore_own_cpu,
                 "Count a run even if this generator used more than 70 % of its core");
    app.add_option("--min-connect-success", wanted.min_connect_success, "Percent of the clients")->default_str("100");
    app.add_option("--min-delivery-rate", wanted.min_delivery_rate, "Percent of what is owed")->default_str("100");
    app.add_option("--max-duplicates", wanted.max_duplicates, "Deliveries that came twice")->default_str("0");
    app.add_option("--max-p50-ms", wanted.max_p50_ms, "Creation to socket, median");
    app.add_option("--max-p99-ms", wanted.max_p99_ms, "Creation to socket");
    app.add_option("--max-p999-ms", wanted.max_p999_ms, "Creation to socket, 99.9th percentile");
    app.add_option("--max-connect-p99-ms", wanted.max_connect_p99_ms, "Connection to joined namespace");
    app.add_option("--max-ack-p99-ms", wanted.max_ack_p99_ms, "notification:read to its ack");
    app.add_option("--max-back-ms", wanted.max_back_ms, "storm: until all are back and current");
}

}  // namespace

Command loadtest_command() {
    auto app = std::make_unique<CLI::App>(
        "Put a load on a Socket.IO gateway, check every delivery, and report.\n"
        "Exit code: 0 all thresholds met, 1 one was missed, 2 it could not run, 3 void because this generator was the\n"
        "bottleneck, 130 stopped by Ctrl-C (the report is written all the same)");
    auto values = std::make_shared<LoadtestOptions>();
    add_config_option(*app);
    add_load_options(*app, *values);
    add_server_options(*app, *values);
    add_report_options(*app, *values);
    return {std::move(app), [values] { return loadtest_main(*values); }};
}

}  // namespace carillon::cli
