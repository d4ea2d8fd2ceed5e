// The commands that run one service each.
#include <CLI/CLI.hpp>
#include <iostream>

#include "app/service_apps.hpp"
#include "cli/commands.hpp"
#include "cli/nats_options.hpp"
#include "cli/process_options.hpp"

namespace carillon::cli {
namespace {

struct ServiceOptions {
    app::ServiceConfig config;
    LogOptions log;
};

void add_listening(CLI::App& options, app::ServiceConfig& config, std::uint16_t port) {
    config.part.port = port;
    options.add_option("--host", config.part.host, "Address to listen on")->capture_default_str();
    options.add_option("--port", config.part.port, "Port; 0 picks a free one")
        ->check(CLI::Range{0, 65'535})
        ->capture_default_str();
    options.add_option("--ops-port", config.ops_port, "Port of /livez, /readyz and /metrics (default: --port)")
        ->check(CLI::Range{1, 65'535});
    options.add_option("--internal-secret", config.part.internal_secret,
                       "Secret of the services' tokens, 32 bytes or more; the same for all");
    add_drain(options, config.part);
}

void add_user_tokens(CLI::App& options, app::ServeConfig& config) {
    options.add_option("--jwt-secret", config.jwt_secret, "Secret of the user tokens, HS256, 32 bytes or more");
    options.add_option("--jwt-issuer", config.jwt_issuer, "iss of the user tokens")->capture_default_str();
    options.add_option("--jwt-audience", config.jwt_audience, "aud of the user tokens")->capture_default_str();
    options.add_option("--jwt-typ", config.jwt_types, "typ accepted in a token's header; repeatable")
        ->expected(1, 16)
        ->capture_default_str();
    options
        .add_option("--default-permission", config.default_permissions,
                    "Permission of tokens without the claim; repeatable")
        ->expected(1, 64);
}

void add_database(CLI::App& options, app::ServiceConfig& config) {
    options.add_option("--database-url", config.database_url, "postgres://user:password@host:port/database");
    options.add_flag("!--no-migrate", config.part.migrate, "Refuse to start when the database is not up to date");
}

Command service_command(const char* description, std::uint16_t port,
                        int (*run)(const app::ServiceConfig&, std::ostream&),
                        void (*add_own)(CLI::App&, app::ServiceConfig&)) {
    auto options = std::make_unique<CLI::App>(description);
    auto values = std::make_shared<ServiceOptions>();
    values->config.nats.urls.clear();
    add_config_option(*options);
    add_listening(*options, values->config, port);
    add_own(*options, values->config);
    add_nats(*options, values->config.nats);
    add_logging(*options, values->log);
    return {std::move(options), [values, run] {
                return run_logged(values->log, [&values, run] { return run(values->config, std::cout); });
            }};
}

}  // namespace

Command gateway_command() {
    return service_command(
        "The gateway: sockets and public REST", 3000, app::run_gateway,
        [](CLI::App& options, app::ServiceConfig& config) {
            options
                .add_option("--notifications-url", config.notifications_urls,
                            "Where the notification service is; several, comma-separated")
                ->expected(1, 64)
                ->delimiter(',');
            options.add_option("--auth-url", config.auth_urls, "Where the auth service is; several, comma-separated")
                ->expected(1, 64)
                ->delimiter(',');
            options.add_option("--services-ca", config.services_ca_file,
                               "PEM file of the authority of https service URLs (default: the system's)");
            options.add_option("--advertise-url", config.part.advertise_url,
                               "Where other gateways reach this one (default: its host and port)");
            add_user_tokens(options, config.part);
            options.add_option("--jwt-public-key", config.jwt_public_key_file,
                               "PEM file of a public key, instead of --jwt-secret");
            options.add_option("--jwt-jwks", config.jwt_jwks, "File or URL of a JWK Set, instead of --jwt-secret");
            options.add_option("--jwt-jwks-ca", config.jwt_jwks_ca_file,
                               "PEM file of the authority of that URL (default: the system's)");
            add_sockets(options, config.part);
            add_limits(options, config.part);
        });
}

Command notifications_command() {
    return service_command("The notification service", 3002, app::run_notifications, add_database);
}

Command auth_command() {
    return service_command("The auth service", 3001, app::run_auth, [](CLI::App& options, app::ServiceConfig& config) {
        add_database(options, config);
        add_user_tokens(options, config.part);
        add_private_keys(options, config.part.jwt_private_key_files);
        add_token_lifetimes(options, config.part);
        add_login_limits(options, config.part);
    });
}

}  // namespace carillon::cli
