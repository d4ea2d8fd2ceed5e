#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "gateway/comeback.hpp"
#include "gateway/deadline_queue.hpp"
#include "gateway/delivery.hpp"
#include "gateway/gateway_metrics.hpp"
#include "gateway/notification_api.hpp"
#include "gateway/rate_limiter.hpp"
#include "gateway/recovery_notice.hpp"
#include "gateway/revocation_list.hpp"
#include "gateway/socket_registry.hpp"
#include "loop/task.hpp"
#include "token/token.hpp"

namespace carillon::gateway {

class SocketSession;

struct SessionConfig {
    std::chrono::milliseconds auth_timeout{10'000};  ///< for a socket that connected without a token
    std::uint32_t max_sockets_per_user = 100;
    bool query_token = true;  ///< whether `?token=` is taken
    std::chrono::milliseconds command_timeout{10'000};
    std::uint32_t commands_in_flight_max = 64;  ///< per socket
    /// For the state of the inbox; then a client is let in without it, and told it later.
    std::chrono::milliseconds state_wait{3'000};
};

/// What the sessions of one shard share. Held by a shared pointer, because a command that waits for its answer may
/// outlive the shard. The references outlive the shard's loop. Touched only on the shard's thread.
struct SessionContext {
    SessionConfig config;
    loop::Executor executor;
    const base::Clock& clock;
    const token::UserTokenVerifier& tokens;
    NotificationApi& notifications;
    RateLimiter& limiter;
    GatewayMetrics& metrics;

    const PidSealer& pids;

    /// A socket of the user is on its way: its state is to be read, and `SocketSession::arrive` called with it.
    std::function<void(base::UserId, Newcomer)> on_arriving;
    /// The user's last socket on this shard has gone.
    std::function<void(base::UserId)> on_user_gone;
    /// A client has come back: an older socket with its id, wherever it is, is to leave.
    std::function<void(const RecoveryNotice&)> on_recovered;

    SocketRegistry registry;
    DeadlineQueue deadlines;
    /// Sessions that wait for their state, by the number of the newcomer.
    std::unordered_map<std::uint64_t, std::weak_ptr<SocketSession>> arriving;
    std::uint64_t last_arrival = 0;

    /// Asked when a socket is registered; null: nothing is revoked.
    const RevocationList* revocations = nullptr;
};

}  // namespace carillon::gateway
