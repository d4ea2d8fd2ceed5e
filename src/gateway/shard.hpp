#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/config.hpp"
#include "gateway/deadline_timer.hpp"
#include "gateway/delivery.hpp"
#include "gateway/session_context.hpp"
#include "http/engine_endpoint.hpp"
#include "http/server.hpp"
#include "socketio/engine_server.hpp"

namespace carillon::gateway {

/// What all shards share. The references outlive the shards' loops.
struct ShardServices {
    const base::Clock& clock;
    const token::UserTokenVerifier& tokens;
    NotificationApi& notifications;
    RateLimiter& limiter;
    GatewayMetrics& metrics;
    const PidSealer& pids;
    const http::Router& router;
    std::shared_ptr<http::ConnectionBudget> connections;
    std::shared_ptr<http::ConnectionBudget> handshakes;
    std::shared_ptr<http::AddressLimits> addresses;
    std::shared_ptr<const socketio::SidCodec> sids;
    std::shared_ptr<const http::EnginePeers> peers;
    const RevocationList& revocations;
};

/// One thread's part of the gateway: listener, Engine.IO, Socket.IO server, sockets by user. A session never leaves its
/// shard; what comes from other threads comes by `post` onto `executor()`.
///
/// Everything on the executor's thread, except what says otherwise. Built before it serves; destroyed after `close()`.
class Shard final : public DeliveryTarget {
 public:
    /// Listens at once: throws std::system_error when it cannot. With more than one shard all listen on the same port.
    Shard(loop::Executor executor, std::uint16_t index, std::uint16_t port, http::PortSharing sharing,
          const GatewayConfig& config, const ShardServices& services);
    ~Shard() override;
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    const loop::Executor& executor() const { return context_->executor; }
    std::uint16_t port() const { return http_.port(); }
    http::EngineEndpoint& endpoint() { return endpoint_; }
    DeadlineQueue& deadlines() { return context_->deadlines; }

    /// Who is told of sockets that come and go. Set before serving.
    void report_sockets(std::function<void(base::UserId, Newcomer)> on_arriving,
                        std::function<void(base::UserId)> on_user_gone,
                        std::function<void(const RecoveryNotice&)> on_recovered);
    /// Starts accepting. Thread: any.
    void serve();

    void deliver(const Delivery& delivery) override;
    void arrive(std::uint64_t number, const Arrival& arrival) override;
    /// A client has come back elsewhere: its older socket, if it is here, leaves.
    void give_way(const RecoveryNotice& notice);

    /// Closes the sockets whose token it was.
    void end_revoked(const contracts::Revocation& revocation);

    /// From now on new handshakes are answered 503. Thread: any.
    void refuse_handshakes() { endpoint_.drain(); }
    /// Tells the sockets `server:draining` and closes them, spread evenly over the window; then stops accepting.
    loop::Task<void> drain(std::chrono::milliseconds window);
    /// Closes everything at once. On the executor's thread, or after its loop has ended.
    void close();

 private:
    class Observer;

    /// Sizes of this shard's tables.
    struct Held {
        std::size_t sessions = 0;
        std::size_t sockets = 0;
        std::size_t users = 0;
        std::size_t arriving = 0;
    };

    void tick();
    /// Moves the gauges, which all shards share, by what has changed.
    void tell_held(const Held& now);
    void report_deliveries();

    const std::shared_ptr<SessionContext> context_;
    const std::unique_ptr<Observer> observer_;
    socketio::Server server_;
    http::EngineEndpoint endpoint_;
    http::Server http_;
    std::unique_ptr<DeadlineTimer> timer_;
    DeliveryTally delivered_;  ///< in this turn
    bool report_planned_ = false;
    std::size_t queued_bytes_told_ = 0;
    Held held_told_;
    bool closed_ = false;
};

}  // namespace carillon::gateway
