#include "auth/auth_service.hpp"

#include <algorithm>

#include "auth/password_rules.hpp"
#include "auth/store_errors.hpp"
#include "base/client_network.hpp"
#include "base/log.hpp"

namespace carillon::auth {
namespace {

using namespace std::chrono_literals;

using Answer = AuthResult<LoggedIn>;

// The `code` label: the code of the answer.
const char* failure_label(errc code) {
    switch (code) {
        case errc::email_taken:
            return "email_taken";
        case errc::weak_password:
            return "weak_password";
        case errc::invalid_credentials:
            return "invalid_credentials";
        case errc::rate_limited:
            return "rate_limited";
        case errc::token_absent:
            return "unauthorized";
        case errc::token_expired:
            return "token_expired";
        case errc::token_invalid:
            return "token_invalid";
        case errc::revocation_in_future:
            return "invalid_payload";
        case errc::key_reused:
            return "idempotency_mismatch";
        case errc::overloaded:
        case errc::unavailable:
            return "unavailable";
    }
    return "internal";
}

}  // namespace

AuthService::AuthService(AuthStores stores, UserTokens tokens, const base::Clock& clock, metrics::Registry& metrics,
                         AuthConfig config)
    : users_{stores.users},
      sessions_{stores.sessions},
      revocations_{stores.revocations},
      tokens_{tokens},
      clock_{clock},
      metrics_{metrics},
      config_{std::move(config)},
      account_logins_{clock, {.attempts = config_.failed_logins_per_account_and_client, .window = 60s}},
      client_logins_{clock, {.attempts = config_.failed_logins_per_client, .window = 60s}},
      registrations_{clock, {.attempts = config_.registrations_per_client, .window = 1s}},
      client_refreshes_{clock, {.attempts = config_.failed_refreshes_per_client, .window = 60s}},
      hasher_{config_.hashing} {}

loop::Task<Answer> AuthService::register_user(contracts::RegisterRequest request, Client client) {
    if (auto weakness = password_weakness(request.password, request.email)) {
        AuthFailure failure = refuse(errc::weak_password);
        failure.reason = std::move(*weakness);
        co_return failure;
    }
    if (const auto retry_after = registrations_.take(base::client_network(client.address))) {
        AuthFailure failure = refuse(errc::rate_limited);
        failure.retry_after = retry_after;
        co_return failure;
    }
    // Saves the hash for an address that is taken; whether it still is free is the store's to say.
    const auto existing = co_await users_.find_by_email(request.email);
    if (existing) co_return refuse(errc::email_taken);
    if (existing.error() != store::errc::not_found) co_return refuse(from_store(existing.error()));

    auto hash = co_await hasher_.hash(std::move(request.password));
    if (!hash) co_return refuse(errc::overloaded);
    const store::User user{base::UserId::generate(clock_), std::move(request.email), std::move(request.name),
                           std::move(*hash), clock_.now()};
    const auto created = co_await users_.create(user, std::move(client.traceparent));
    if (!created) co_return refuse(from_store(created.error()));
    base::log_info("user registered", {{"user", user.id.to_string()}});
    auto beginning = begin_session(user);
    co_return co_await std::move(beginning);
}

loop::Task<Answer> AuthService::log_in(contracts::LoginRequest request, Client client) {
    const std::string client_key = base::client_network(client.address);
    const std::string account_key = client_key + ' ' + fold_case(request.email);
    if (auto refused = take_login_attempt(account_key, client_key)) co_return std::move(*refused);

    const auto user = co_await users_.find_by_email(std::move(request.email));
    if (!user && user.error() != store::errc::not_found) {
        give_back_login_attempt(account_key, client_key);
        co_return refuse(from_store(user.error()));
    }
    std::string encoded = user ? user->password_hash : hasher_.dummy();
    std::string again = user && hasher_.is_outdated(encoded) ? request.password : "";
    const auto matches = co_await hasher_.matches(std::move(encoded), std::move(request.password));
    if (!matches) {
        give_back_login_attempt(account_key, client_key);
        co_return refuse(errc::overloaded);
    }
    if (!user || !*matches) {
        base::log_info("log-in refused", {{"client", client.address}});
        co_return refuse(errc::invalid_credentials);
    }
    give_back_login_attempt(account_key, client_key);
    base::log_info("user logged in", {{"user", user->id.to_string()}});
    if (!again.empty()) co_await renew_hash(*user, std::move(again));
    auto beginning = begin_session(*user);
    co_return co_await std::move(beginning);
}

// The old hash is as valid as before: what fails here is tried again at the next log-in.
loop::Task<void> AuthService::renew_hash(store::User user, std::string password) {
    auto hash = co_await hasher_.hash(std::move(password));
    if (!hash) co_return;
    const auto replaced = co_await users_.replace_password_hash(user.id, user.password_hash, std::move(*hash));
    if (replaced) base::log_info("password hash renewed", {{"user", user.id.to_string()}});
}

loop::Task<AuthResult<AuthService::Identity>> AuthService::me(std::string authorization) {
    const std::string_view token = token::bearer_token(authorization);
    if (token.empty()) co_return refuse(authorization.empty() ? errc::token_absent : errc::token_invalid);
    auto claims = tokens_.verifier.verify(token, clock_.now());
    if (!claims) {
        co_return refuse(claims.error() == token::errc::expired ? errc::token_expired : errc::token_invalid);
    }
    const auto standing =
        co_await revocations_.standing(claims->user_id, claims->token_id, claims->issued_at, clock_.now());
    if (!standing) co_return refuse(from_store(standing.error()));
    if (*standing == store::Standing::revoked) co_return refuse(errc::token_invalid);
    Identity identity{std::move(*claims), std::nullopt};
    auto user = co_await users_.find_by_id(identity.claims.user_id);
    if (user) {
        identity.account = std::move(*user);
    } else if (user.error() != store::errc::not_found) {
        co_return refuse(from_store(user.error()));
    }
    co_return identity;
}

loop::Task<AuthResult<std::optional<store::User>>> AuthService::account(base::UserId id) {
    auto user = co_await users_.find_by_id(id);
    if (user) co_return std::optional{std::move(*user)};
    if (user.error() == store::errc::not_found) co_return std::optional<store::User>{};
    co_return refuse(from_store(user.error()));
}

loop::Task<AuthResult<bool>> AuthService::erase_account(base::UserId id) {
    const auto erased = co_await users_.erase(id);
    if (!erased && erased.error() != store::errc::not_found) co_return refuse(from_store(erased.error()));
    if (erased) base::log_info("an account was erased", {{"user", id.to_string()}});
    co_return erased.has_value();
}

loop::Task<bool> AuthService::ready() {
    const auto checked = co_await users_.check();
    co_return checked.has_value();
}

AuthFailure AuthService::refuse(errc code) {
    metrics_
        .counter("auth_failures_total", "Registrations, log-ins and tokens that were refused",
                 {{"code", failure_label(code)}})
        .increment();
    return AuthFailure{code};
}

// Counted before the outcome is known: attempts made at once must not slip through together.
std::optional<AuthFailure> AuthService::take_login_attempt(const std::string& account_key,
                                                           const std::string& client_key) {
    auto retry_after = client_logins_.take(client_key);
    if (!retry_after) {
        retry_after = account_logins_.take(account_key);
        if (retry_after) client_logins_.give_back(client_key);
    }
    if (!retry_after) return std::nullopt;
    AuthFailure failure = refuse(errc::rate_limited);
    failure.retry_after = retry_after;
    return failure;
}

void AuthService::give_back_login_attempt(const std::string& account_key, const std::string& client_key) {
    account_logins_.give_back(account_key);
    client_logins_.give_back(client_key);
}

}  // namespace carillon::auth
