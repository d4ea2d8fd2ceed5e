#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "http/trusted_proxies.hpp"

namespace carillon::gateway {

/// What a gateway can be told. The names are the flags' (api.md, "Processes").
struct GatewayConfig {
    std::string host = "127.0.0.1";
    std::uint16_t port = 3000;  ///< 0 picks a free one
    std::vector<std::string> cors_origins;
    http::TrustedProxies trusted_proxies;
    std::string socketio_path = "/socket.io/";
    bool query_token = true;
    std::uint32_t rate_limit = 10;        ///< socket messages a second and user; 0: no limit
    std::uint32_t rest_rate_limit = 100;  ///< requests a second and user; 0: no limit
    std::uint32_t max_connections = 10'000;
    std::uint32_t max_sockets_per_user = 100;
    std::chrono::milliseconds auth_timeout{10'000};
    std::chrono::milliseconds ping_interval{25'000};
    std::chrono::milliseconds ping_timeout{20'000};
    bool ops_routes = true;  ///< whether `/livez`, `/readyz` and `/metrics` answer on this port
};

}  // namespace carillon::gateway
