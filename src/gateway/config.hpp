#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "http/address_limits.hpp"
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
    std::uint32_t max_handshakes = 5'000;       ///< sessions that have not joined a namespace yet; 0: no limit
    http::AddressRates address_rates;           ///< of one address of clients
    http::AddressRates loopback_address_rates;  ///< of this machine's own
    std::uint32_t max_sockets_per_user = 100;
    std::chrono::milliseconds auth_timeout{10'000};
    std::chrono::milliseconds ping_interval{25'000};
    std::chrono::milliseconds ping_timeout{20'000};
    std::string session_key;    ///< of session ids, the same for all gateways; empty: made up
    std::string advertise_url;  ///< where other gateways reach this one; empty: at its host and port
    std::string peers_ca_file;  ///< for their https URLs: PEM, instead of the system's
    bool ops_routes = true;     ///< whether `/livez`, `/readyz` and `/metrics` answer on this port
};

}  // namespace carillon::gateway
