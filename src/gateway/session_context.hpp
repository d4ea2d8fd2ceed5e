#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "gateway/deadline_queue.hpp"
#include "gateway/gateway_metrics.hpp"
#include "gateway/notification_api.hpp"
#include "gateway/rate_limiter.hpp"
#include "gateway/socket_registry.hpp"
#include "loop/task.hpp"
#include "token/token.hpp"

namespace carillon::gateway {

struct SessionConfig {
    std::chrono::milliseconds auth_timeout{10'000};  ///< for a socket that connected without a token
    std::uint32_t max_sockets_per_user = 100;
    bool query_token = true;  ///< whether `?token=` is taken
    std::chrono::milliseconds command_timeout{10'000};
    std::uint32_t commands_in_flight_max = 64;  ///< per socket
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

    /// A socket of the user is registered: its state is to be read and told to it.
    std::function<void(base::UserId, const std::string& socket_id)> on_registered;
    /// The user's last socket on this shard has gone.
    std::function<void(base::UserId)> on_user_gone;

    SocketRegistry registry;
    DeadlineQueue deadlines;
};

}  // namespace carillon::gateway
