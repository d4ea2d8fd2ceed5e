#include "app/serve_app.hpp"

#include <fmt/format.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "app/data_dir.hpp"
#include "app/embedded_services.hpp"
#include "base/log.hpp"
#include "embedded/script_files.hpp"
#include "embedded/web_files.hpp"
#include "gateway/gateway.hpp"
#include "loop/event_loop.hpp"

namespace carillon::app {
namespace {

constexpr std::size_t kSecretBytesMin = 32;

std::string checked_secret(const char* option, const std::string& given) {
    if (given.size() < kSecretBytesMin) {
        throw StartupError(
            fmt::format("{}: wants a secret of at least {} bytes, not {}", option, kSecretBytesMin, given.size()));
    }
    return given;
}

Keys resolve_keys(const ServeConfig& config, const DataDir& directory) {
    Keys keys;
    keys.jwt_secret =
        config.jwt_secret.empty() ? directory.key("jwt-secret") : checked_secret("--jwt-secret", config.jwt_secret);
    keys.internal_secret = config.internal_secret.empty() ? directory.key("internal-secret")
                                                          : checked_secret("--internal-secret", config.internal_secret);
    return keys;
}

gateway::GatewayConfig gateway_config(const ServeConfig& config) {
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
    gateway.auth_timeout = config.auth_timeout;
    gateway.ping_interval = config.ping_interval;
    gateway.ping_timeout = config.ping_timeout;
    return gateway;
}

/// The gateway and its shards' threads.
class GatewayProcess {
 public:
    GatewayProcess(const ServeConfig& config, EmbeddedServices& services, metrics::Registry& metrics,
                   const base::Clock& clock) {
        std::vector<loop::Executor> executors;
        for (std::uint32_t i = 0; i < config.threads; ++i) {
            shards_.push_back(std::make_unique<loop::EventLoop>(fmt::format("shard-{}", i)));
            executors.push_back(shards_.back()->executor());
        }
        const gateway::GatewayServices dependencies{
            services.notification_api(), services.auth_api(), services.verifier(), services.bus(), metrics, clock};
        try {
            gateway_ = std::make_unique<gateway::Gateway>(
                gateway_config(config), std::move(executors), dependencies, [](http::Router& router) {
                    http::add_static_files(router, embedded::web_files());
                    http::add_static_files(router, embedded::script_files(), CARILLON_VERSION);
                });
        } catch (const std::system_error& error) {
            const bool port = error.code() == std::errc::address_in_use || error.code() == std::errc::permission_denied;
            throw StartupError(fmt::format("{}: {}", port ? "--port" : "--host", error.what()));
        }
    }
    ~GatewayProcess() { stop_loops(); }

    std::uint16_t port() const { return gateway_->port(); }

    void start() {
        for (auto& shard : shards_) shard->start();
        gateway_->start();
    }

    /// Sends the clients away over `window`, then closes what is left. Blocks.
    void stop(std::chrono::milliseconds window) {
        std::promise<void> drained;
        auto done = drained.get_future();
        loop::spawn(shards_.front()->executor(), drain(*gateway_, window, drained), "drain");
        done.wait();
        gateway_->stop();
        stop_loops();
    }

 private:
    static loop::Task<void> drain(gateway::Gateway& gateway, std::chrono::milliseconds window,
                                  std::promise<void>& drained) {
        co_await gateway.drain(window);
        drained.set_value();
    }

    void stop_loops() {
        for (auto& shard : shards_) shard->stop();
        for (auto& shard : shards_) shard->join();
        gateway_.reset();
    }

    std::vector<std::unique_ptr<loop::EventLoop>> shards_;
    std::unique_ptr<gateway::Gateway> gateway_;
};

// "localhost" reads better, and is what the address means.
std::string display_host(const std::string& host) {
    return host == "127.0.0.1" || host == "0.0.0.0" || host == "::" || host == "::1" ? "localhost" : host;
}

}  // namespace

int serve(const ServeConfig& config, std::ostream& out) {
    const base::Clock& clock = base::system_clock();
    const DataDir directory = DataDir::open(config.data_dir);
    const Keys keys = resolve_keys(config, directory);
    metrics::Registry metrics;
    EmbeddedServices services{config, directory, keys, clock, metrics};
    GatewayProcess gateway{config, services, metrics, clock};

    services.start_serving();
    gateway.start();
    services.start_publishing();
    out << fmt::format(
               "Carillon is ready: http://{}:{}\n"
               "  auth service          http://127.0.0.1:{}\n"
               "  notification service  http://127.0.0.1:{}\n",
               display_host(config.host), gateway.port(), services.auth_port(), services.notifications_port())
        << std::flush;

    loop::wait_for_stop_signal();
    base::log_info("stopping", {{"drain_ms", config.drain_window.count()}});
    gateway.stop(config.drain_window);
    services.stop();
    base::log_info("stopped");
    return 0;
}

}  // namespace carillon::app
