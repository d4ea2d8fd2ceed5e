#pragma once

#include <memory>
#include <string>

#include "app/data_dir.hpp"
#include "app/serve_config.hpp"
#include "auth/auth_service.hpp"
#include "base/clock.hpp"
#include "http/ops_routes.hpp"
#include "http/server.hpp"
#include "loop/task.hpp"
#include "outbox/relay.hpp"
#include "token/token.hpp"

/// What `serve` and the single services are built from alike.
namespace carillon::app {

inline constexpr std::chrono::seconds kRelayStopDeadline{5};

/// `public_keys`: the JWK Set that the service publishes.
auth::AuthConfig auth_config(const ServeConfig& config, std::string public_keys);
token::UserTokenConfig token_config(const ServeConfig& config);
outbox::RelayConfig relay_config(const char* service);

struct Address {
    std::string host;
    std::uint16_t port = 0;
};
/// Throws StartupError that names the option.
std::unique_ptr<http::Server> listen(const char* option, loop::Executor executor, const Address& address,
                                     const base::Clock& clock, const http::Router& router);

/// Throws StartupError that names the option, for a secret that is missing or too short.
std::string checked_secret(const char* option, const std::string& given);

/// "localhost" where that is what the address means: it reads better.
std::string display_host(const std::string& host);

template <class Service>
loop::Task<http::Readiness> store_readiness(Service& service) {
    const bool store_ready = co_await service.ready();
    http::Readiness readiness;
    readiness.dependencies.push_back(http::Readiness::Dependency{"store", store_ready, {}});
    co_return readiness;
}

}  // namespace carillon::app
