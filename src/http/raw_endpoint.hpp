#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>

#include "http/message.hpp"
#include "loop/task.hpp"

namespace carillon::http {

/// Tells a handler that holds its answer back (a polling GET) when its client has gone.
class PeerWatch {
 public:
    virtual ~PeerWatch() = default;
    /// `lost` runs at most once, on the connection's executor, while the handler is waiting.
    virtual void on_lost(std::function<void()> lost) = 0;
};

/// The connection a WebSocket request came on, with bytes that were read past its head.
struct UpgradedStream {
    boost::asio::ip::tcp::socket socket;
    std::string already_read;
};

/// A prefix of the path space that is served below the router, because it holds answers back and takes connections
/// over: Engine.IO. Runs on the shard of the connection.
class RawEndpoint {
 public:
    virtual ~RawEndpoint() = default;
    /// By the request target as sent (path and query).
    virtual bool owns(std::string_view target) const = 0;
    virtual std::size_t body_bytes_max() const = 0;
    /// Any request that is no WebSocket request. `request` lives until the task has ended. When the client sent a body
    /// over the limit it is called with `body_too_large` and an empty body.
    virtual loop::Task<Response> on_request(Request& request, PeerWatch& peer, bool body_too_large) = 0;
    /// A GET with `Upgrade: websocket`. Takes the connection and answers on it, a refusal too.
    virtual loop::Task<void> on_upgrade(Request request, UpgradedStream stream) = 0;
};

}  // namespace carillon::http
