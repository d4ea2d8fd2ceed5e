#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace carillon::app {

/// Everything `carillon serve` can be told. Empty secrets: those kept in the data directory.
struct ServeConfig {
    std::string host = "127.0.0.1";  ///< of the gateway; the two services listen on loopback always
    std::uint16_t port = 3000;
    std::uint16_t auth_port = 3001;
    std::uint16_t notifications_port = 3002;
    std::filesystem::path data_dir = "./carillon-data";
    bool migrate = true;

    std::string jwt_secret;
    std::vector<std::string> jwt_private_key_files;  ///< instead of the secret; the first one signs
    std::string internal_secret;
    std::string jwt_issuer = "carillon";
    std::string jwt_audience = "carillon";
    std::vector<std::string> jwt_types{"at+jwt"};
    std::vector<std::string> default_permissions;
    std::chrono::milliseconds token_ttl{std::chrono::hours{1}};
    std::chrono::milliseconds refresh_ttl{std::chrono::hours{30 * 24}};     ///< of a log-in
    std::chrono::milliseconds revocation_ttl{std::chrono::hours{30 * 24}};  ///< at least as long as any token lives

    std::vector<std::string> cors_origins;
    std::vector<std::string> trusted_proxies;  ///< addresses and networks whose word about a client is taken
    std::string socketio_path = "/socket.io/";
    bool query_token = true;
    std::uint32_t threads = 0;               ///< shards of the gateway; 0: one per core
    std::uint32_t rate_limit = 10;           ///< WebSocket messages a second and user
    std::uint32_t rest_rate_limit = 100;     ///< REST requests a second and user
    std::uint32_t login_rate_limit = 10;     ///< failed log-ins a minute, account and address
    std::uint32_t register_rate_limit = 10;  ///< registrations a second and address
    std::uint32_t max_connections = 0;       ///< 0: as many as the limit of open files allows
    std::uint32_t max_sockets_per_user = 100;
    std::uint32_t max_handshakes = 0;  ///< 0: half of max_connections
    /// Nothing given: the defaults, which leave out this machine's own addresses.
    std::optional<std::uint32_t> connect_rate_limit;   ///< handshakes a second and address; 0: no limit
    std::optional<std::uint64_t> address_bytes_limit;  ///< bytes received a second and address; 0: no limit
    std::string advertise_url;                         ///< where other gateways reach this one; empty: at host and port
    std::string peers_ca_file;                         ///< for https URLs of theirs
    std::chrono::milliseconds auth_timeout{10'000};
    std::chrono::milliseconds ping_interval{25'000};
    std::chrono::milliseconds ping_timeout{20'000};
    std::chrono::milliseconds drain_window{5'000};
};

}  // namespace carillon::app
