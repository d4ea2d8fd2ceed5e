#include "app/direct_auth_api.hpp"

#include "auth/auth_routes.hpp"
#include "loop/run_on.hpp"

namespace carillon::app {

DirectAuthApi::DirectAuthApi(loop::Executor service_loop, const http::Router& router, auth::AuthService& service,
                             const token::InternalTokens& internal_tokens, const base::Clock& clock)
    : service_loop_{std::move(service_loop)},
      router_{router},
      service_{service},
      internal_tokens_{internal_tokens},
      clock_{clock} {}

loop::Task<http::Response> DirectAuthApi::forward(http::Request& request) {
    const std::string user_authorization{request.headers.get("Authorization")};
    // `set` replaces every field of the name: what the client itself sent under these is gone.
    request.headers.set(std::string{auth::kUserAuthorizationHeader}, user_authorization);
    request.headers.set(std::string{auth::kClientAddressHeader}, request.remote_address);
    request.headers.set(std::string{auth::kClientProtoHeader}, request.over_tls ? "https" : "http");
    request.headers.set("Authorization", "Bearer " + internal_tokens_.sign("gateway", clock_.now()));
    co_return co_await loop::run_on(service_loop_, router_.handle(request));
}

loop::Task<bool> DirectAuthApi::ready() {
    co_return co_await loop::run_on(service_loop_, service_.ready());
}

}  // namespace carillon::app
