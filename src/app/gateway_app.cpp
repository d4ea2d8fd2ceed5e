#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "app/gateway_process.hpp"
#include "app/http_auth_api.hpp"
#include "app/http_notification_api.hpp"
#include "app/jwks_file.hpp"
#include "app/jwks_source.hpp"
#include "app/service_apps.hpp"
#include "app/service_parts.hpp"
#include "app/service_process.hpp"
#include "app/user_keys.hpp"
#include "base/log.hpp"
#include "http/client.hpp"
#include "http/client_pool.hpp"

namespace carillon::app {
namespace {

using bus::StreamName;

constexpr int kFirstKeysAttempts = 5;
constexpr std::chrono::milliseconds kFirstKeysPause{1'000};

/// What verifies the users' tokens, and what keeps its keys up to date, if anything.
struct UserKeys {
    std::unique_ptr<token::UserTokenVerifier> verifier;
    std::unique_ptr<JwksFile> file;
    std::unique_ptr<JwksSource> source;
};

UserKeys jwks_from_file(const ServiceConfig& config) {
    std::string content = read_key_file("--jwt-jwks", config.jwt_jwks);
    auto verifier = token::make_jwks_verifier(content, token_config(config.part));
    auto file = std::make_unique<JwksFile>(config.jwt_jwks, std::move(content), *verifier);
    return {std::move(verifier), std::move(file), nullptr};
}

std::unique_ptr<JwksSource> make_jwks_source(const ServiceConfig& config, loop::Executor executor,
                                             const base::Clock& clock) {
    JwksSourceConfig source;
    source.url = config.jwt_jwks;
    source.ca_file = config.jwt_jwks_ca_file;
    return std::make_unique<JwksSource>(std::move(executor), clock, std::move(source));
}

/// The keys a gateway starts with: without any it could only send its clients away for good.
std::string first_keys(const ServiceConfig& config, const base::Clock& clock) {
    loop::EventLoop loop{"jwks"};
    const auto source = make_jwks_source(config, loop.executor(), clock);
    loop.start();
    base::Result<std::string, JwksSource::Failure> set = JwksSource::Failure{};
    for (int attempt = 0; attempt < kFirstKeysAttempts && !set; ++attempt) {
        if (attempt > 0) std::this_thread::sleep_for(kFirstKeysPause);
        set = boost::asio::co_spawn(loop.executor(), source->fetch(), boost::asio::use_future).get();
    }
    loop.stop();
    loop.join();
    if (set) return std::move(*set);
    throw StartupError("--jwt-jwks: cannot read " + config.jwt_jwks + ": " + set.error().reason);
}

UserKeys jwks_from_url(const ServiceConfig& config, loop::Executor executor, const base::Clock& clock) {
    auto source = make_jwks_source(config, std::move(executor), clock);
    auto verifier = source->verify_with(first_keys(config, clock), token_config(config.part));
    return {std::move(verifier), nullptr, std::move(source)};
}

bool is_url(const std::string& text) {
    return text.starts_with("http://") || text.starts_with("https://");
}

UserKeys make_user_keys(const ServiceConfig& config, loop::Executor executor, const base::Clock& clock) {
    const char* option = "--jwt-secret";
    try {
        if (!config.jwt_public_key_file.empty()) {
            option = "--jwt-public-key";
            return {token::make_public_key_verifier(read_key_file(option, config.jwt_public_key_file),
                                                    token_config(config.part)),
                    nullptr, nullptr};
        }
        if (!config.jwt_jwks.empty()) {
            option = "--jwt-jwks";
            return is_url(config.jwt_jwks) ? jwks_from_url(config, std::move(executor), clock) : jwks_from_file(config);
        }
        return {token::make_secret_verifier(checked_secret(option, config.part.jwt_secret), token_config(config.part)),
                nullptr, nullptr};
    } catch (const std::invalid_argument& error) {
        throw StartupError(std::string{option} + ": " + error.what());
    }
}

std::unique_ptr<http::ClientPool> make_pool(const char* option, const std::vector<std::string>& urls,
                                            const ServiceConfig& config, loop::Executor executor,
                                            const base::Clock& clock) {
    http::ClientPoolConfig pool;
    pool.urls = urls;
    pool.tls_ca_file = config.services_ca_file;
    try {
        return std::make_unique<http::ClientPool>(std::move(executor), clock, std::move(pool));
    } catch (const std::invalid_argument& error) {
        throw StartupError(std::string{option} + ": " + error.what());
    }
}

/// What only a gateway of several has.
ServeConfig gateway_part(const ServiceConfig& config) {
    const auto& url = config.part.advertise_url;
    if (!url.empty() && !http::parse_url(url.starts_with("https://") ? "http" + url.substr(5) : url)) {
        throw StartupError("--advertise-url: wants an http:// or https:// URL, not '" + url + "'");
    }
    auto part = config.part;
    part.peers_ca_file = config.services_ca_file;
    return part;
}

/// Members are in the order of construction: what is below uses what is above.
struct GatewayService {
    explicit GatewayService(const ServiceConfig& config)
        : user_keys{make_user_keys(config, calls.executor(), clock)},
          internal_tokens{checked_secret("--internal-secret", config.part.internal_secret)},
          pids{checked_secret("--internal-secret", config.part.internal_secret)},
          notifications_pool{
              make_pool("--notifications-url", config.notifications_urls, config, calls.executor(), clock)},
          auth_pool{make_pool("--auth-url", config.auth_urls, config, calls.executor(), clock)},
          bus{nats_options(config, "gateway",
                           {StreamName::notification_event, StreamName::token_event, StreamName::dead_letter})},
          nodes{bus.node_registry()},
          process{gateway_part(config),
                  {notifications, accounts, *user_keys.verifier, bus, metrics, clock, internal_tokens, *nodes, pids},
                  !config.ops_port} {
        if (!config.ops_port) return;
        http::add_ops_routes(ops_router, metrics, [this] { return process.gateway().readiness(); });
        ops = listen_for_ops(config, calls.executor(), clock, ops_router);
    }

    void start() {
        calls.start();
        bus.start();
        if (user_keys.file) user_keys.file->start();
        if (user_keys.source) user_keys.source->start();
        process.start();
        if (ops) ops->start();
    }

    void stop(std::chrono::milliseconds window) {
        process.stop(window);
        if (ops) ops->drain();
        nodes.reset();
        bus.stop();
        if (user_keys.source) user_keys.source->stop();
        calls.stop();
        calls.join();
    }

    const base::Clock& clock = base::system_clock();
    metrics::Registry metrics;
    loop::EventLoop calls{"calls"};  ///< to the services
    UserKeys user_keys;
    token::InternalTokens internal_tokens;
    gateway::PidSealer pids;
    std::unique_ptr<http::ClientPool> notifications_pool;
    std::unique_ptr<http::ClientPool> auth_pool;
    ServiceClient notifications_client{*notifications_pool, internal_tokens, clock, "notification"};
    ServiceClient auth_client{*auth_pool, internal_tokens, clock, "auth"};
    HttpNotificationApi notifications{notifications_client};
    HttpAuthApi accounts{auth_client};
    bus::NatsBus bus;
    std::unique_ptr<bus::NodeRegistry> nodes;
    http::Router ops_router{clock, metrics, {}, "ops"};
    GatewayProcess process;
    std::unique_ptr<http::Server> ops;
};

}  // namespace

int run_gateway(const ServiceConfig& config, std::ostream& out) {
    GatewayService service{config};
    service.start();
    announce_and_wait("gateway", config, service.process.port(), out);
    service.stop(config.part.drain_window);
    base::log_info("stopped");
    return 0;
}

}  // namespace carillon::app
