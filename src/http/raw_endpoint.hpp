#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/address_limits.hpp"
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

/// How the body of a request came.
struct RawBody {
    bool too_large = false;          ///< it passed the limit and was not kept
    std::shared_ptr<void> expected;  ///< what `expect_body` had returned; null when it was not asked
};

/// The connection a WebSocket request came on, with bytes that were read past its head.
struct UpgradedStream {
    boost::asio::ip::tcp::socket socket;
    std::string already_read;
};

/// A prefix of the path space that is served below the router, because it holds answers back and takes connections
/// over: Engine.IO. Runs on the shard of the connection. Decides itself who may come from which origin.
class RawEndpoint {
 public:
    virtual ~RawEndpoint() = default;
    /// By the request target as sent (path and query).
    virtual bool owns(std::string_view target) const = 0;
    virtual std::size_t body_bytes_max() const = 0;
    /// Who pays for the body of this request, which is read no faster than that allows; null: nobody.
    virtual std::shared_ptr<AddressBudget> budget_of(const Request& head) {
        (void)head;
        return nullptr;
    }
    /// The head of a request has come, and its body is still on its way. What is returned is handed to `on_request`
    /// with the body; when it is destroyed before that, the body will not come.
    virtual std::shared_ptr<void> expect_body(const Request& head) {
        (void)head;
        return nullptr;
    }
    /// The same head, before that: the answer to a request that is refused whatever its body is, so that nothing of it
    /// has to be read. `head` lives until the task has ended.
    virtual loop::Task<std::optional<Response>> refuse_head(const Request& head) {
        (void)head;
        co_return std::nullopt;
    }
    /// Any request that is no WebSocket request. `request` lives until the task has ended. When the body was over the
    /// limit, `request` has none.
    virtual loop::Task<Response> on_request(Request& request, PeerWatch& peer, RawBody body) = 0;
    /// A GET with `Upgrade: websocket`. Takes the connection and answers on it, a refusal too. Returns the status of
    /// the answer, 101 when the connection is a WebSocket now.
    virtual loop::Task<int> on_upgrade(std::shared_ptr<Request> request, UpgradedStream stream) = 0;
};

}  // namespace carillon::http
