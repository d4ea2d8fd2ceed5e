#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "app/serve_config.hpp"
#include "gateway/gateway.hpp"
#include "loop/event_loop.hpp"

namespace carillon::app {

/// The gateway with the threads of its shards, whatever it leans on.
class GatewayProcess {
 public:
    /// Listens; nothing runs yet. Throws StartupError.
    GatewayProcess(const ServeConfig& config, const gateway::GatewayServices& services, bool ops_routes = true);
    ~GatewayProcess();
    GatewayProcess(const GatewayProcess&) = delete;
    GatewayProcess& operator=(const GatewayProcess&) = delete;

    std::uint16_t port() const;
    gateway::Gateway& gateway() { return *gateway_; }
    void start();
    /// Sends the clients away over `window`, then closes what is left. Blocks.
    void stop(std::chrono::milliseconds window);

 private:
    void stop_loops();

    const ServeConfig config_;
    std::vector<std::unique_ptr<loop::EventLoop>> shards_;
    std::unique_ptr<gateway::Gateway> gateway_;
};

}  // namespace carillon::app
