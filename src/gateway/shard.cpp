#include "gateway/shard.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "contracts/socket_events.hpp"
#include "gateway/socket_session.hpp"

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 1s;
constexpr std::chrono::milliseconds kDrainStep{100};
/// Clients come back within this window, so that they do not come all at once.
constexpr std::uint64_t kReturnAfterMinMs = 500;
constexpr std::uint64_t kReturnAfterMaxMs = 3'000;
constexpr const char* kDrainReason = "server draining";
bool has(const std::vector<std::string>& ids, const std::string& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

/// A connection that never joins a namespace is gone within 45 s: this, and the wait for its goodbye.
constexpr std::chrono::seconds kConnectTimeout{35};

socketio::ServerConfig engine_config(const GatewayConfig& config, const ShardServices& services, std::uint16_t index) {
    socketio::ServerConfig engine;
    engine.ping_interval = config.ping_interval;
    engine.ping_timeout = config.ping_timeout;
    engine.connect_timeout = kConnectTimeout;
    engine.shard = index;
    engine.sids = services.sids;
    return engine;
}

http::EngineEndpointConfig endpoint_config(const GatewayConfig& config, const ShardServices& services) {
    http::EngineEndpointConfig endpoint;
    endpoint.path = config.socketio_path;
    endpoint.origins = config.cors_origins;
    endpoint.budget = services.connections;
    endpoint.handshakes = services.handshakes;
    endpoint.addresses = services.addresses;
    endpoint.on_refused = [&metrics = services.metrics](std::string_view reason) { metrics.handshake_refused(reason); };
    endpoint.peers = services.peers;
    return endpoint;
}

http::ServerConfig http_config(const GatewayConfig& config, std::uint16_t port, http::PortSharing sharing) {
    http::ServerConfig http;
    http.host = config.host;
    http.port = port;
    http.sharing = sharing;
    // Room for requests beside the sockets' own connections; the sockets have a limit of their own.
    http.connections_max = std::max<std::size_t>(http.connections_max, config.max_connections * 2UL + 1'000);
    http.cors.origins = config.cors_origins;
    http.trusted_proxies = config.trusted_proxies;
    return http;
}

std::shared_ptr<SessionContext> make_context(loop::Executor executor, const GatewayConfig& config,
                                             const ShardServices& services) {
    SessionConfig sessions;
    sessions.auth_timeout = config.auth_timeout;
    sessions.max_sockets_per_user = config.max_sockets_per_user;
    sessions.query_token = config.query_token;
    return std::shared_ptr<SessionContext>{new SessionContext{sessions,
                                                              std::move(executor),
                                                              services.clock,
                                                              services.tokens,
                                                              services.notifications,
                                                              services.limiter,
                                                              services.metrics,
                                                              services.pids,
                                                              [](base::UserId, Newcomer) {},
                                                              [](base::UserId) {},
                                                              [](const RecoveryNotice&) {},
                                                              {},
                                                              {},
                                                              {},
                                                              0,
                                                              &services.revocations}};
}

}  // namespace

/// Counts the engine's sessions.
class Shard::Observer final : public socketio::Observer {
 public:
    explicit Observer(GatewayMetrics& metrics) : metrics_{metrics} {}
    void on_opened(std::string_view transport) override { metrics_.connection_opened(transport); }
    void on_upgraded() override { metrics_.connection_upgraded(); }
    void on_closed(std::string_view transport, std::string_view reason) override {
        metrics_.connection_closed(transport, reason);
    }
    // Counts are all that the gateway marks as states.
    void on_messages_spared(std::size_t messages) override { metrics_.counts_coalesced(messages); }

 private:
    GatewayMetrics& metrics_;
};

Shard::Shard(loop::Executor executor, std::uint16_t index, std::uint16_t port, http::PortSharing sharing,
             const GatewayConfig& config, const ShardServices& services)
    : context_{make_context(executor, config, services)},
      observer_{std::make_unique<Observer>(services.metrics)},
      server_{engine_config(config, services, index), observer_.get()},
      endpoint_{executor, server_, services.clock, endpoint_config(config, services)},
      http_{executor, http_config(config, port, sharing), services.clock, services.router, &endpoint_},
      timer_{std::make_unique<DeadlineTimer>(executor, services.clock, context_->deadlines)} {
    SocketSession::serve(server_.of("/"), context_);
    SocketSession::serve(server_.of("/ws"), context_);
}

Shard::~Shard() {
    close();
}

void Shard::report_sockets(std::function<void(base::UserId, Newcomer)> on_arriving,
                           std::function<void(base::UserId)> on_user_gone,
                           std::function<void(const RecoveryNotice&)> on_recovered) {
    context_->on_arriving = std::move(on_arriving);
    context_->on_user_gone = std::move(on_user_gone);
    context_->on_recovered = std::move(on_recovered);
}

void Shard::serve() {
    loop::post(context_->executor, [this] { tick(); });
    http_.start();
}

void Shard::tick() {
    if (closed_) return;
    const std::size_t queued = server_.queued_bytes();
    context_->metrics.outbound_queue_bytes.add(static_cast<double>(queued) - static_cast<double>(queued_bytes_told_));
    queued_bytes_told_ = queued;
    tell_held(
        {server_.sessions_held(), context_->registry.sockets(), context_->registry.users(), context_->arriving.size()});
    context_->deadlines.add(context_->clock.steady_now() + kTick, [this] { tick(); });
}

void Shard::tell_held(const Held& now) {
    const auto move = [](metrics::Gauge& gauge, std::size_t to, std::size_t from) {
        if (to != from) gauge.add(static_cast<double>(to) - static_cast<double>(from));
    };
    auto& gauges = context_->metrics.held;
    move(gauges.sessions, now.sessions, held_told_.sessions);
    move(gauges.sockets, now.sockets, held_told_.sockets);
    move(gauges.users, now.users, held_told_.users);
    move(gauges.arriving, now.arriving, held_told_.arriving);
    held_told_ = now;
}

void Shard::deliver(const Delivery& delivery) {
    std::size_t left_out = 0;
    const std::size_t visited = context_->registry.for_each(delivery.user, [&](socketio::Socket& socket) {
        if (!delivery.except.empty() && has(delivery.except, socket.id())) {
            ++left_out;
            return;
        }
        socket.emit(delivery.events);
        log_delivery(delivery, socket);
    });
    const std::size_t sockets = visited - left_out;
    if (sockets == 0) return;
    delivered_.news += sockets * delivery.news;
    delivered_.updates += sockets * delivery.updates;
    delivered_.counts += sockets * delivery.counts;
    if (delivery.created_at) {
        const std::chrono::duration<double> latency = context_->clock.now() - *delivery.created_at;
        delivered_.latency.observe(std::max(latency.count(), 0.0));
    }
    if (std::exchange(report_planned_, true)) return;
    loop::post(context_->executor, [this] { report_deliveries(); });
}

void Shard::report_deliveries() {
    report_planned_ = false;
    context_->metrics.report(delivered_);
}

void Shard::arrive(std::uint64_t number, const Arrival& arrival) {
    const auto found = context_->arriving.find(number);
    if (found == context_->arriving.end()) return;
    if (const auto session = found->second.lock()) session->arrive(arrival);
}

void Shard::give_way(const RecoveryNotice& notice) {
    const auto socket = context_->registry.find(notice.socket_id);
    if (socket) std::static_pointer_cast<SocketSession>(socket->data)->give_way(notice);
}

void Shard::end_revoked(const contracts::Revocation& revocation) {
    context_->registry.for_each(revocation.user_id, [&](socketio::Socket& socket) {
        const auto session = std::static_pointer_cast<SocketSession>(socket.data);
        if (session) session->end_if_revoked(revocation);
    });
}

loop::Task<void> Shard::drain(std::chrono::milliseconds window) {
    std::vector<socketio::SocketPtr> sockets;
    context_->registry.for_all([&sockets](const socketio::SocketPtr& socket) { sockets.push_back(socket); });
    std::mt19937_64 random{std::random_device{}()};
    std::uniform_int_distribution<std::uint64_t> return_after{kReturnAfterMinMs, kReturnAfterMaxMs};
    const auto steps = static_cast<std::size_t>(std::max<std::int64_t>(1, window / kDrainStep - 1));
    const std::size_t per_step = sockets.size() / steps + 1;
    const std::size_t tunnels_per_step = endpoint_.tunnels() / steps + 1;

    for (std::size_t first = 0; first < sockets.size(); first += per_step) {
        const std::size_t end = std::min(first + per_step, sockets.size());
        for (std::size_t i = first; i < end; ++i) {
            const std::string json = contracts::encode_server_draining(return_after(random));
            const std::vector<std::string_view> arguments(1, json);
            sockets[i]->emit(socketio::EncodedEvent::make(contracts::kServerDrainingEvent, arguments));
        }
        context_->metrics.sent(contracts::kServerDrainingEvent, end - first);
        // The notice leaves with this turn of the loop; the transport closes a step later.
        co_await loop::sleep_for(std::min(kDrainStep, window));
        for (std::size_t i = first; i < end; ++i) sockets[i]->close_transport(kDrainReason);
        endpoint_.end_tunnels(tunnels_per_step);
    }
    server_.close_all(kDrainReason);
    http_.drain();
}

void Shard::close() {
    if (std::exchange(closed_, true)) return;
    endpoint_.close();
    http_.close();
    timer_.reset();
    context_->deadlines.clear();
    // Sessions hold the context: nothing in it may hold them, or the follower, from now on.
    context_->registry = {};
    context_->on_arriving = [](base::UserId, const Newcomer&) {};
    context_->on_recovered = [](const RecoveryNotice&) {};
    context_->on_user_gone = [](base::UserId) {};
}

}  // namespace carillon::gateway
