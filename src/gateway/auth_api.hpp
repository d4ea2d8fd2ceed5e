#pragma once

#include <string_view>

#include "http/message.hpp"
#include "loop/task.hpp"

namespace carillon::gateway {

/// Who has tokens revoked: the gateway says it to the auth service (auth_routes.hpp has the same name).
inline constexpr std::string_view kAdministratorHeader = "X-Carillon-Administrator";

/// The auth service, as the gateway sees it: public `/auth/*` requests are passed on as they are, with an internal
/// token. One adapter dispatches into the service's own router, one goes over HTTP. Thread: any shard.
class AuthApi {
 public:
    virtual ~AuthApi() = default;
    /// Beside public requests, those that the gateway makes itself (`/users/…`, `/revocations/…`) go this way.
    /// `request` lives until the task has ended. A service that cannot be reached is answered with 503.
    virtual loop::Task<http::Response> forward(http::Request& request) = 0;
    virtual loop::Task<bool> ready() = 0;
};

}  // namespace carillon::gateway
