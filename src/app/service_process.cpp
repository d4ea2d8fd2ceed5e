#include "app/service_process.hpp"

#include <fmt/format.h>

#include <fstream>
#include <ostream>
#include <thread>

#include "app/service_parts.hpp"
#include "base/log.hpp"
#include "loop/event_loop.hpp"

namespace carillon::app {
namespace {

using namespace std::chrono_literals;

constexpr auto kDrainLook = 20ms;

void check_readable(const char* option, const std::string& path) {
    if (path.empty()) return;
    const std::ifstream file{path};
    if (!file) throw StartupError(fmt::format("{}: cannot read {}", option, path));
}

}  // namespace

ServicePorts::ServicePorts(const ServiceConfig& config, loop::Executor executor, const base::Clock& clock,
                           metrics::Registry& metrics, http::Router& router, http::ReadinessCheck check)
    : ops_router_{clock, metrics, {}, "ops"} {
    http::add_ops_routes(config.ops_port ? ops_router_ : router, metrics, std::move(check));
    api_ = listen("--port", executor, {config.part.host, config.part.port}, clock, router);
    ops_ = listen_for_ops(config, executor, clock, ops_router_);
}

void ServicePorts::start() {
    api_->start();
    if (ops_) ops_->start();
}

void ServicePorts::drain(std::chrono::milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    api_->drain();
    while (api_->connections() > 0 && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(kDrainLook);
    if (ops_) ops_->drain();
}

std::unique_ptr<http::Server> listen_for_ops(const ServiceConfig& config, loop::Executor executor,
                                             const base::Clock& clock, const http::Router& router) {
    if (!config.ops_port) return nullptr;
    return listen("--ops-port", std::move(executor), {config.part.host, *config.ops_port}, clock, router);
}

bus::NatsOptions nats_options(const ServiceConfig& config, const char* service, std::vector<bus::StreamName> streams) {
    auto options = config.nats;
    if (options.urls.empty()) {
        throw StartupError("--nats-url: wants the URL of a NATS server with JetStream, such as nats://localhost:4222");
    }
    for (const auto& url : options.urls) {
        if (!url.starts_with("nats://") && !url.starts_with("tls://")) {
            throw StartupError("--nats-url: wants nats:// or tls:// URLs");
        }
    }
    check_readable("--nats-credentials", options.credentials_file);
    check_readable("--nats-tls-ca", options.tls_ca_file);
    check_readable("--nats-tls-cert", options.tls_certificate_file);
    check_readable("--nats-tls-key", options.tls_key_file);
    if (options.tls_certificate_file.empty() != options.tls_key_file.empty()) {
        throw StartupError("--nats-tls-cert: wants --nats-tls-key beside it, and the reverse");
    }
    options.client_name = std::string{"carillon-"} + service;
    options.streams = std::move(streams);
    return options;
}

const std::string& database_url(const ServiceConfig& config) {
    if (config.database_url.empty()) {
        throw StartupError(
            "--database-url: wants the URL of a PostgreSQL database, such as postgres://user@host/carillon");
    }
    return config.database_url;
}

void announce_and_wait(const char* service, const ServiceConfig& config, std::uint16_t port, std::ostream& out) {
    out << fmt::format("Carillon {} is ready: http://{}:{}\n", service, display_host(config.part.host), port)
        << std::flush;
    loop::wait_for_stop_signal();
    base::log_info("stopping", {{"drain_ms", config.part.drain_window.count()}});
}

}  // namespace carillon::app
