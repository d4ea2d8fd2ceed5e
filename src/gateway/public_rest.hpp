#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "gateway/auth_api.hpp"
#include "gateway/gateway_metrics.hpp"
#include "gateway/notification_api.hpp"
#include "gateway/rate_limiter.hpp"
#include "http/router.hpp"

namespace carillon::gateway {

/// The public REST API for clients without a socket (api.md, "Public REST"): notifications by way of `NotificationApi`,
/// accounts by way of `AuthApi`. Holds no state but the rate limit. Outlives the router. Thread: any shard.
class PublicRest {
 public:
    PublicRest(NotificationApi& notifications, AuthApi& accounts, const base::Clock& clock, GatewayMetrics& metrics,
               std::uint32_t requests_per_second, std::vector<std::string> origins)
        : notifications_{notifications},
          accounts_{accounts},
          clock_{clock},
          metrics_{metrics},
          origins_{std::move(origins)},
          limiter_{clock, requests_per_second} {}

    void add_routes(http::Router& router);
    /// Forgets the limits of users who ask for nothing; how many are left.
    std::size_t forget_idle_limits();

 private:
    /// The handler behind the caller's rate limit, with the `RateLimit` fields on its answers.
    http::Handler limited(http::Handler handler);
    loop::Task<http::Response> run_limited(std::shared_ptr<const http::Handler> handler,
                                           const http::RoutedRequest& request);

    loop::Task<http::Response> list(const http::RoutedRequest& request);
    loop::Task<http::Response> unread_count(const http::RoutedRequest& request);
    loop::Task<http::Response> find(const http::RoutedRequest& request);
    loop::Task<http::Response> mark_read(const http::RoutedRequest& request);
    loop::Task<http::Response> read_all(const http::RoutedRequest& request);
    loop::Task<http::Response> create(const http::RoutedRequest& request);
    loop::Task<http::Response> create_checked(Caller caller, NewNotification notification);
    loop::Task<http::Response> forward(const http::RoutedRequest& request);
    /// The same for what a cookie alone decides: refused for pages of other origins.
    loop::Task<http::Response> forward_cookie(const http::RoutedRequest& request);
    loop::Task<http::Response> revoke(const http::RoutedRequest& request);
    loop::Task<http::Response> revoke_tokens(base::UserId user, const http::RoutedRequest& request, std::string body,
                                             std::string key);
    loop::Task<http::Response> export_data(const http::RoutedRequest& request);
    loop::Task<http::Response> erase_data(const http::RoutedRequest& request);
    /// The user's account at the auth service; `method` is GET or DELETE.
    loop::Task<http::Response> account_of(base::UserId user, http::Method method, std::string traceparent);

    // Constant after construction.
    NotificationApi& notifications_;
    AuthApi& accounts_;
    const base::Clock& clock_;
    GatewayMetrics& metrics_;
    const std::vector<std::string> origins_;

    RateLimiter limiter_;
};

}  // namespace carillon::gateway
