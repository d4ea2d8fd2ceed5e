#include "app/service_parts.hpp"

#include <fmt/format.h>

#include <system_error>

namespace carillon::app {
namespace {

constexpr std::size_t kSecretBytesMin = 32;

}  // namespace

auth::AuthConfig auth_config(const ServeConfig& config, std::string public_keys) {
    auth::AuthConfig auth;
    auth.token_lifetime = std::chrono::ceil<std::chrono::seconds>(config.token_ttl);
    auth.failed_logins_per_account_and_client = config.login_rate_limit;
    auth.registrations_per_client = config.register_rate_limit;
    auth.public_keys = std::move(public_keys);
    auth.session_lifetime = std::chrono::ceil<std::chrono::seconds>(config.refresh_ttl);
    auth.revocation_lifetime = std::chrono::ceil<std::chrono::seconds>(config.revocation_ttl);
    return auth;
}

token::UserTokenConfig token_config(const ServeConfig& config) {
    token::UserTokenConfig tokens;
    tokens.issuer = config.jwt_issuer;
    tokens.audience = config.jwt_audience;
    tokens.accepted_types = config.jwt_types;
    tokens.default_permissions = config.default_permissions;
    return tokens;
}

outbox::RelayConfig relay_config(const char* service) {
    outbox::RelayConfig config;
    config.service = service;
    return config;
}

std::unique_ptr<http::Server> listen(const char* option, loop::Executor executor, const Address& address,
                                     const base::Clock& clock, const http::Router& router) {
    http::ServerConfig server;
    server.host = address.host;
    server.port = address.port;
    try {
        return std::make_unique<http::Server>(std::move(executor), std::move(server), clock, router, nullptr);
    } catch (const std::system_error& error) {
        throw StartupError(fmt::format("{}: {}", option, error.what()));
    }
}

std::string checked_secret(const char* option, const std::string& given) {
    if (given.empty()) {
        throw StartupError(fmt::format("{}: wants a secret of at least {} bytes; a service has none of its own", option,
                                       kSecretBytesMin));
    }
    if (given.size() < kSecretBytesMin) {
        throw StartupError(
            fmt::format("{}: wants a secret of at least {} bytes, not {}", option, kSecretBytesMin, given.size()));
    }
    return given;
}

std::string display_host(const std::string& host) {
    return host == "127.0.0.1" || host == "0.0.0.0" || host == "::" || host == "::1" ? "localhost" : host;
}

}  // namespace carillon::app
