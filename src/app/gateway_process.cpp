#include "app/gateway_process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <stdexcept>
#include <system_error>

#include "app/data_dir.hpp"
#include "app/process_limits.hpp"
#include "base/hmac.hpp"
#include "base/log.hpp"
#include "embedded/script_files.hpp"
#include "embedded/web_files.hpp"

namespace carillon::app {
namespace {

constexpr std::uint32_t kThreadsMax = 64;
constexpr std::uint32_t kHandshakesMin = 1'000;
/// Ten seconds' worth may come at once: an office behind one address is back at once after an outage.
constexpr std::uint32_t kConnectRateLimit = 100;
/// Eight seconds' worth may come at once: the largest message there is, eight times.
constexpr std::uint64_t kAddressBytesLimit = 1'000'000;

/// Fills in what the machine decides.
ServeConfig fit(ServeConfig config) {
    const ProcessLimits& limits = process_limits();
    if (config.threads == 0) config.threads = std::min(limits.cores, kThreadsMax);
    if (config.max_connections == 0) config.max_connections = connections_for(limits.open_files, config.threads);
    // The others are for those who have joined, however many begin and go no further.
    if (config.max_handshakes == 0) config.max_handshakes = std::max(config.max_connections / 2, kHandshakesMin);
    return config;
}

void log_limits(const ServeConfig& config) {
    const ProcessLimits& limits = process_limits();
    base::log_info("limits", {{"threads", config.threads},
                              {"cores", limits.cores},
                              {"open_files", limits.open_files},
                              {"open_files_before", limits.open_files_before},
                              {"max_connections", config.max_connections}});
    const std::uint32_t room = connections_for(limits.open_files, config.threads);
    if (config.max_connections > room) {
        base::log_warn("--max-connections is more than the limit of open files has room for",
                       {{"max_connections", config.max_connections}, {"room", room}});
    }
}

/// What all gateways of one internal secret share, and nobody can tell the secret from.
std::string session_key(const std::string& internal_secret) {
    if (internal_secret.empty()) return {};
    const auto digest = base::hmac_sha256(internal_secret, "carillon: key of session ids");
    return {digest.begin(), digest.end()};
}

gateway::GatewayConfig gateway_config(const ServeConfig& config, bool ops_routes) {
    const std::string& path = config.socketio_path;
    if (path.size() < 2 || path.front() != '/' || path.back() != '/') {
        throw StartupError("--socketio-path: wants a path that begins and ends with /, not '" + path + "'");
    }
    gateway::GatewayConfig gateway;
    gateway.host = config.host;
    gateway.port = config.port;
    gateway.cors_origins = config.cors_origins;
    gateway.socketio_path = path;
    gateway.query_token = config.query_token;
    gateway.rate_limit = config.rate_limit;
    gateway.rest_rate_limit = config.rest_rate_limit;
    gateway.max_connections = config.max_connections;
    gateway.max_sockets_per_user = config.max_sockets_per_user;
    gateway.max_handshakes = config.max_handshakes;
    gateway.address_rates.connects = config.connect_rate_limit.value_or(kConnectRateLimit);
    gateway.address_rates.bytes = config.address_bytes_limit.value_or(kAddressBytesLimit);
    gateway.loopback_address_rates.connects = config.connect_rate_limit.value_or(0);
    gateway.loopback_address_rates.bytes = config.address_bytes_limit.value_or(0);
    gateway.auth_timeout = config.auth_timeout;
    gateway.ping_interval = config.ping_interval;
    gateway.ping_timeout = config.ping_timeout;
    gateway.advertise_url = config.advertise_url;
    gateway.session_key = session_key(config.internal_secret);
    try {
        gateway.trusted_proxies = http::TrustedProxies{config.trusted_proxies};
    } catch (const std::invalid_argument& error) {
        throw StartupError(std::string{"--trusted-proxy: "} + error.what());
    }
    gateway.peers_ca_file = config.peers_ca_file;
    gateway.ops_routes = ops_routes;
    return gateway;
}

loop::Task<void> drain(gateway::Gateway& gateway, std::chrono::milliseconds window, std::promise<void>& drained) {
    co_await gateway.drain(window);
    drained.set_value();
}

}  // namespace

GatewayProcess::GatewayProcess(const ServeConfig& config, const gateway::GatewayServices& services, bool ops_routes)
    : config_{fit(config)} {
    std::vector<loop::Executor> executors;
    for (std::uint32_t i = 0; i < config_.threads; ++i) {
        shards_.push_back(std::make_unique<loop::EventLoop>(fmt::format("shard-{}", i)));
        executors.push_back(shards_.back()->executor());
    }
    try {
        gateway_ = std::make_unique<gateway::Gateway>(
            gateway_config(config_, ops_routes), std::move(executors), services, [](http::Router& router) {
                http::add_static_files(router, embedded::web_files());
                http::add_static_files(router, embedded::script_files(), CARILLON_VERSION);
            });
    } catch (const std::system_error& error) {
        const bool port = error.code() == std::errc::address_in_use || error.code() == std::errc::permission_denied;
        throw StartupError(fmt::format("{}: {}", port ? "--port" : "--host", error.what()));
    }
}

GatewayProcess::~GatewayProcess() {
    stop_loops();
}

std::uint16_t GatewayProcess::port() const {
    return gateway_->port();
}

void GatewayProcess::start() {
    log_limits(config_);
    for (auto& shard : shards_) shard->start();
    gateway_->start();
}

void GatewayProcess::stop(std::chrono::milliseconds window) {
    std::promise<void> drained;
    auto done = drained.get_future();
    loop::spawn(shards_.front()->executor(), drain(*gateway_, window, drained), "drain");
    done.wait();
    gateway_->stop();
    stop_loops();
}

void GatewayProcess::stop_loops() {
    for (auto& shard : shards_) shard->stop();
    for (auto& shard : shards_) shard->join();
    gateway_.reset();
}

}  // namespace carillon::app
