#pragma once

#include "auth/auth_service.hpp"
#include "base/clock.hpp"
#include "gateway/auth_api.hpp"
#include "http/router.hpp"
#include "token/token.hpp"

namespace carillon::app {

/// `AuthApi` within one process: dispatches into the auth service's own router, on the service's loop, with the same
/// headers that would go over HTTP. What it is given outlives it.
class DirectAuthApi final : public gateway::AuthApi {
 public:
    DirectAuthApi(loop::Executor service_loop, const http::Router& router, auth::AuthService& service,
                  const token::InternalTokens& internal_tokens, const base::Clock& clock);

    loop::Task<http::Response> forward(http::Request& request) override;
    loop::Task<bool> ready() override;

 private:
    // Constant after construction.
    const loop::Executor service_loop_;
    const http::Router& router_;
    auth::AuthService& service_;
    const token::InternalTokens& internal_tokens_;
    const base::Clock& clock_;
};

}  // namespace carillon::app
