#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "http/address_limits.hpp"
#include "http/engine_peers.hpp"
#include "http/raw_endpoint.hpp"
#include "socketio/engine_server.hpp"

namespace carillon::http {

class EngineShard;

/// How many Engine.IO sessions, or handshakes, all shards together may hold. Thread: any.
class ConnectionBudget {
 public:
    /// `max` 0: no limit. `shown`, if any, follows what is taken, and outlives the budget.
    explicit ConnectionBudget(std::size_t max, metrics::Gauge* shown = nullptr) : max_{max}, shown_{shown} {}
    bool try_take();
    void give_back();
    std::size_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
    const std::size_t max_;
    metrics::Gauge* const shown_;
    std::atomic<std::size_t> taken_{0};
};

struct EngineEndpointConfig {
    std::string path = "/socket.io/";          ///< prefix of the target, with its trailing slash
    std::vector<std::string> origins;          ///< who may connect; empty or "*": anybody. No Origin header: accepted
    std::shared_ptr<ConnectionBudget> budget;  ///< shared by the shards; null: no limit
    std::shared_ptr<ConnectionBudget> handshakes;  ///< the same of sessions that have not joined a namespace yet
    std::shared_ptr<AddressLimits> addresses;      ///< shared by the shards; null: no limit by address
    /// Told of each handshake that is refused: "draining", "address", "handshakes" or "connections". Thread: any.
    std::function<void(std::string_view reason)> on_refused;
    std::shared_ptr<const EnginePeers> peers;        ///< the other nodes; null: there are none
    std::chrono::seconds retry_after{2};             ///< of the 503 when full or draining
    std::chrono::milliseconds close_timeout{5'000};  ///< for the peer's close frame and its end of the connection
};

/// Engine.IO over HTTP: connects polling requests and WebSocket connections of one shard to its `socketio::Server`. It
/// drives the server: flushes it at the end of each turn of the loop, wakes it at its deadlines.
///
/// Everything on `executor`'s thread, except what says otherwise. Construct it after the server and destroy it before;
/// call `close()` on the executor before its loop stops, or after it has.
class EngineEndpoint final : public RawEndpoint {
 public:
    /// `server` and `clock` outlive the endpoint. Takes the server's `on_work` hook.
    EngineEndpoint(loop::Executor executor, socketio::Server& server, const base::Clock& clock,
                   EngineEndpointConfig config);
    ~EngineEndpoint() override;
    EngineEndpoint(const EngineEndpoint&) = delete;
    EngineEndpoint& operator=(const EngineEndpoint&) = delete;

    bool owns(std::string_view target) const override;
    std::size_t body_bytes_max() const override;
    std::shared_ptr<AddressBudget> budget_of(const Request& head) override;
    std::shared_ptr<void> expect_body(const Request& head) override;
    loop::Task<std::optional<Response>> refuse_head(const Request& head) override;
    loop::Task<Response> on_request(Request& request, PeerWatch& peer, RawBody body) override;
    loop::Task<int> on_upgrade(std::shared_ptr<Request> request, UpgradedStream stream) override;

    /// The endpoints of all shards, by the `shard` of their server's configuration, this one included: a request whose
    /// session lives on another shard is handed there, in the order of arrival. Set before serving; all outlive each
    /// other's loops.
    void set_siblings(std::vector<EngineEndpoint*> siblings);
    /// From now on new handshakes are answered 503 with `Retry-After`; sessions go on. Thread: any.
    void drain();
    /// Ends all sessions with "server shutting down" and closes all WebSocket connections at once.
    void close();
    /// WebSocket connections, with those that are closing. Thread: the executor's.
    std::size_t websockets() const;
    /// WebSockets that are passed on to other nodes, and how to end some of them: their clients come back. Thread: the
    /// executor's.
    std::size_t tunnels() const;
    void end_tunnels(std::size_t count);

 private:
    const std::shared_ptr<EngineShard> shard_;
};

}  // namespace carillon::http
