#include <CLI/CLI.hpp>
#include <iostream>
#include <map>

#include "app/process_limits.hpp"
#include "app/serve_app.hpp"
#include "base/log.hpp"
#include "cli/commands.hpp"
#include "cli/process_options.hpp"
#include "loop/event_loop.hpp"

namespace carillon::cli {
namespace {

struct ServeOptions {
    app::ServeConfig config;
    LogOptions log;
};

const std::map<std::string, base::LogLevel> kLogLevels{
    {"trace", base::LogLevel::trace}, {"debug", base::LogLevel::debug}, {"info", base::LogLevel::info},
    {"warn", base::LogLevel::warn},   {"error", base::LogLevel::error}, {"off", base::LogLevel::off}};
const std::map<std::string, base::LogFormat> kLogFormats{{"text", base::LogFormat::text},
                                                         {"json", base::LogFormat::json}};

template <class T>
void add_choice(CLI::App& options, const std::string& name, T& value, const std::map<std::string, T>& choices,
                const std::string& names, const std::string& standard) {
    const CLI::callback_t read = [&value, &choices, name, names](const CLI::results_t& given) {
        const auto found = choices.find(given.front());
        if (found == choices.end()) {
            throw CLI::ValidationError(name, "wants " + names + ", not '" + given.front() + "'");
        }
        value = found->second;
        return true;
    };
    options.add_option(name, read, names)->default_str(standard)->run_callback_for_default(false);
}

/// What a browser sends as `Origin`: a scheme and a host, no path, not even a slash.
std::string check_origin(const std::string& origin) {
    const auto scheme_end = origin.find("://");
    const bool whole = scheme_end != std::string::npos && scheme_end > 0 && origin.size() > scheme_end + 3 &&
                       origin.find_first_of("/?#@ \t", scheme_end + 3) == std::string::npos;
    if (whole || origin == "*") return {};
    return "wants an origin like https://app.example.com (scheme and host, no path), or *, not '" + origin + "'";
}

void add_listening(CLI::App& options, app::ServeConfig& config) {
    const CLI::Range port{0, 65'535};
    options.add_option("--host", config.host, "Address the gateway listens on")->capture_default_str();
    options.add_option("--port", config.port, "Port of the gateway; 0 picks a free one")
        ->check(port)
        ->capture_default_str();
    options.add_option("--auth-port", config.auth_port, "Port of the auth service, on loopback; 0 picks a free one")
        ->check(port)
        ->capture_default_str();
    options
        .add_option("--notifications-port", config.notifications_port,
                    "Port of the notification service, on loopback; 0 picks a free one")
        ->check(port)
        ->capture_default_str();
    options.add_option("--data-dir", config.data_dir, "Folder of the database and the keys, made when missing")
        ->capture_default_str();
    options.add_flag("!--no-migrate", config.migrate, "Refuse to start when the database is not up to date");
}

void add_tokens(CLI::App& options, app::ServeConfig& config) {
    options.add_option("--jwt-secret", config.jwt_secret,
                       "Secret of the user tokens, HS256, 32 bytes or more (default: made once, kept in --data-dir)");
    add_private_keys(options, config.jwt_private_key_files);
    options.add_option("--internal-secret", config.internal_secret,
                       "Secret of the services' tokens, 32 bytes or more (default: made once, kept in --data-dir)");
    options.add_option("--jwt-issuer", config.jwt_issuer, "iss of the user tokens")->capture_default_str();
    options.add_option("--jwt-audience", config.jwt_audience, "aud of the user tokens")->capture_default_str();
    options.add_option("--jwt-typ", config.jwt_types, "typ accepted in a token's header; repeatable")
        ->expected(1, 16)
        ->capture_default_str();
    options
        .add_option("--default-permission", config.default_permissions,
                    "Permission of tokens without the claim; repeatable")
        ->expected(1, 64);
    add_token_lifetimes(options, config);
}

}  // namespace

void add_logging(CLI::App& options, LogOptions& log) {
    add_choice(options, "--log-level", log.level, kLogLevels, "trace, debug, info, warn, error or off", "info");
    add_choice(options, "--log-format", log.format, kLogFormats, "text or json", "text");
}

int run_logged(const LogOptions& log, const std::function<int()>& run) {
    // Before the first thread starts: none but main may take a stop signal, the second one neither.
    loop::block_stop_signals();
    base::start_logging(log.level, log.format);
    app::process_limits();
    const int code = run();
    base::stop_logging();
    return code;
}

void add_token_lifetimes(CLI::App& options, app::ServeConfig& config) {
    add_duration(options, "--token-ttl", config.token_ttl, "Lifetime of the tokens issued at log-in");
    add_duration(options, "--refresh-ttl", config.refresh_ttl, "How long a log-in can be refreshed");
    add_duration(options, "--revocation-ttl", config.revocation_ttl,
                 "How long a revocation is remembered: at least as long as any token lives");
}

void add_private_keys(CLI::App& options, std::vector<std::string>& files) {
    options
        .add_option("--jwt-private-key", files,
                    "PEM file of a private key (Ed25519, P-256 or RSA), instead of --jwt-secret; repeatable: the first "
                    "one signs, what all signed is accepted")
        ->type_name("FILE")
        ->expected(1, 16);
}

void add_login_limits(CLI::App& options, app::ServeConfig& config) {
    const CLI::Range positive{1, 1'000'000};
    options
        .add_option("--login-rate-limit", config.login_rate_limit, "Failed log-ins a minute, per account and address")
        ->check(positive)
        ->capture_default_str();
    options.add_option("--register-rate-limit", config.register_rate_limit, "Registrations a second, per address")
        ->check(positive)
        ->capture_default_str();
}

void add_drain(CLI::App& options, app::ServeConfig& config) {
    const CLI::callback_t read_drain = [&config](const CLI::results_t& given) {
        std::uint32_t seconds = 0;
        if (!CLI::detail::lexical_cast(given.front(), seconds) || seconds > 3'600) {
            throw CLI::ValidationError("--drain-seconds", "wants a number from 0 to 3600, not '" + given.front() + "'");
        }
        config.drain_window = std::chrono::seconds{seconds};
        return true;
    };
    options.add_option("--drain-seconds", read_drain, "How long a stop takes to send the clients elsewhere")
        ->type_name("UINT")
        ->default_str("5")
        ->run_callback_for_default(false);
}

void add_limits(CLI::App& options, app::ServeConfig& config) {
    const CLI::Range positive{1, 1'000'000};
    options.add_option("--rate-limit", config.rate_limit, "WebSocket messages a second, per user")
        ->check(positive)
        ->capture_default_str();
    options.add_option("--rest-rate-limit", config.rest_rate_limit, "REST requests a second, per user")
        ->check(positive)
        ->capture_default_str();
    options
        .add_option("--max-connections", config.max_connections,
                    "Socket.IO connections; more are refused with 503 (default: what the limit of open files allows)")
        ->check(positive);
    options
        .add_option("--max-handshakes", config.max_handshakes,
                    "Connections that have not joined a namespace yet; more are refused with 503 (default: half of "
                    "--max-connections)")
        ->check(positive);
    options
        .add_option("--connect-rate-limit", config.connect_rate_limit,
                    "Handshakes a second, per client address; 0: no limit (default: 100, and none for this machine's "
                    "own addresses)")
        ->check(CLI::Range{0, 1'000'000});
    options
        .add_option("--address-bytes-limit", config.address_bytes_limit,
                    "Bytes received a second on sockets, per client address; 0: no limit (default: 1000000, and none "
                    "for this machine's own addresses)")
        ->check(CLI::Range{0, 1'000'000'000});
    options.add_option("--max-sockets-per-user", config.max_sockets_per_user, "Sockets of one user")
        ->check(positive)
        ->capture_default_str();
}

void add_sockets(CLI::App& options, app::ServeConfig& config) {
    options
        .add_option("--cors-origin", config.cors_origins,
                    "Origin whose pages may call and connect, or *; repeatable (default: no cross-origin access)")
        ->check(CLI::Validator{check_origin, "ORIGIN"})
        ->expected(1, 100);
    options
        .add_option("--trusted-proxy", config.trusted_proxies,
                    "Address or network of a proxy whose Forwarded and X-Forwarded-… fields are believed; repeatable "
                    "(default: nobody's)")
        ->expected(1, 100)
        ->delimiter(',');
    options.add_option("--socketio-path", config.socketio_path, "Path of the Socket.IO endpoint")
        ->capture_default_str();
    options.add_flag("!--no-query-token", config.query_token, "Take no token from the query string");
    options.add_option("--threads", config.threads, "Gateway shards, a thread each (default: one per usable core)")
        ->check(CLI::Range{1, 64});
    add_duration(options, "--auth-timeout", config.auth_timeout, "How long a socket may stay without a token");
    add_duration(options, "--ping-interval", config.ping_interval, "Heartbeat interval");
    add_duration(options, "--ping-timeout", config.ping_timeout, "How long a heartbeat may stay unanswered");
}

Command serve_command() {
    auto options = std::make_unique<CLI::App>("Everything in one process: gateway, notification and auth service");
    auto values = std::make_shared<ServeOptions>();
    add_config_option(*options);
    add_listening(*options, values->config);
    add_tokens(*options, values->config);
    add_sockets(*options, values->config);
    add_limits(*options, values->config);
    add_login_limits(*options, values->config);
    add_drain(*options, values->config);
    add_logging(*options, values->log);
    return {std::move(options),
            [values] { return run_logged(values->log, [&values] { return app::serve(values->config, std::cout); }); }};
}

}  // namespace carillon::cli
