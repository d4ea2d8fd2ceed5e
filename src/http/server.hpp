#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/raw_endpoint.hpp"
#include "http/router.hpp"
#include "http/trusted_proxies.hpp"
#include "loop/task.hpp"

namespace carillon::http {

/// Cross-origin policy (the Fetch standard's CORS protocol). Empty `origins`: no CORS headers at all, and WebSocket
/// requests are not checked by origin. "*" allows every origin, without credentials.
struct CorsConfig {
    std::vector<std::string> origins;
};

/// How a port is shared by the servers of one process (SO_REUSEPORT). The first founds it, alone: a second process of
/// the same user is refused and does not take a part of the connections. The others join.
enum class PortSharing : std::uint8_t { none, founds, joins };

struct ServerConfig {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0 picks a free one
    PortSharing sharing = PortSharing::none;
    std::size_t header_bytes_max = 16 * 1024;
    std::size_t header_fields_max = 100;
    std::chrono::milliseconds header_timeout{10'000};  ///< from the first byte to the end of the head
    std::chrono::milliseconds body_timeout{30'000};
    std::chrono::milliseconds idle_timeout{75'000};  ///< between requests of one connection
    std::size_t connections_max = 18'000;
    CorsConfig cors;
    TrustedProxies trusted_proxies;
};

/// One listening socket on one executor, and the HTTP/1.1 connections accepted there. A connection never leaves its
/// executor. Near the process's limit of file descriptors (nine tenths) and at `connections_max` the connection that
/// has waited longest for a request makes room for each that comes. Survives running out of file descriptors: it pauses
/// accepting, and goes on; the process logs it at most every ten seconds.
class Server {
 public:
    /// `raw` may be null. `router` and `raw` outlive the server. Throws std::system_error, naming address and port,
    /// when it cannot listen.
    Server(loop::Executor executor, ServerConfig config, const base::Clock& clock, const Router& router,
           RawEndpoint* raw);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const;
    /// Starts accepting. Thread: any.
    void start();
    /// Stops accepting, lets requests under way finish (answers carry `Connection: close`), closes idle connections.
    /// Thread: any.
    void drain();
    /// Connections still open. Thread: any.
    std::size_t connections() const;
    /// Closes all connections at once and stops; to be called on the executor, or after its loop has ended.
    void close();

 private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace carillon::http
