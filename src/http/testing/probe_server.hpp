#pragma once

#include <chrono>
#include <memory>
#include <thread>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "http/server.hpp"
#include "http/testing/tcp_probe.hpp"
#include "loop/event_loop.hpp"

namespace carillon::http {

/// Waits until `condition` holds; false when it does not within five seconds.
template <class Condition>
bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

/// A server on a loop of its own, for tests: routes are added, then `start`.
class ProbeServer {
 public:
    explicit ProbeServer(ServerConfig server_config = {}, RawEndpoint* raw_endpoint = nullptr, Verifiers verifiers = {})
        : config{std::move(server_config)},
          raw{raw_endpoint},
          router{base::system_clock(), metrics, verifiers, "probe"} {
        [[maybe_unused]] static const bool quiet =
            (base::start_logging(base::LogLevel::off, base::LogFormat::text), true);
    }
    ~ProbeServer() {
        loop.stop();
        loop.join();
    }

    void start() {
        server = std::make_unique<Server>(loop.executor(), config, base::system_clock(), router, raw);
        server->start();
        loop.start();
    }
    TcpProbe connect() const { return TcpProbe{server->port()}; }

    ServerConfig config;
    RawEndpoint* raw;
    metrics::Registry metrics;
    Router router;
    loop::EventLoop loop{"probe"};
    std::unique_ptr<Server> server;
};

}  // namespace carillon::http
