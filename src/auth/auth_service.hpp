#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "auth/attempt_limiter.hpp"
#include "auth/errc.hpp"
#include "auth/password_hasher.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "contracts/rest_bodies.hpp"
#include "loop/task.hpp"
#include "metrics/registry.hpp"
#include "store/user_store.hpp"
#include "token/token.hpp"

namespace carillon::auth {

/// Why a call was refused.
struct AuthFailure {
    base::ErrorCode code;                                       ///< of `auth::errc`
    std::optional<std::chrono::milliseconds> retry_after = {};  ///< of rate_limited
    std::string reason = {};                                    ///< of weak_password: a phrase for the caller
};

template <class T>
using AuthResult = base::Result<T, AuthFailure>;

struct AuthConfig {
    /// What the tokens of registered users carry.
    std::vector<std::string> granted_permissions{std::string{token::permission::kRead},
                                                 std::string{token::permission::kUpdate}};
    std::chrono::seconds token_lifetime{3'600};
    // 0 turns a limit off.
    std::size_t failed_logins_per_account_and_client = 10;  ///< in a minute
    std::size_t failed_logins_per_client = 30;              ///< in a minute
    std::size_t registrations_per_client = 10;              ///< in a second
    PasswordHashing hashing;
    std::string public_keys = R"({"keys":[]})";  ///< a JWK Set, for `/.well-known/jwks.json`
};

/// The tokens that the service works with. Both must outlive it.
struct UserTokens {
    const token::UserTokenSigner& signer;
    const token::UserTokenVerifier& verifier;
};

/// Who asks, as the gateway saw it.
struct Client {
    std::string address;  ///< without port
    std::string traceparent;
};

/// Registers users, logs them in, and says who a token belongs to. Owns the threads that hash passwords, and the counts
/// of attempts; everything else is passed in and must outlive it. Thread: any executor.
///
/// Counts `auth_failures_total{code}`. Neither passwords nor e-mail addresses get into logs, metrics or errors.
class AuthService {
 public:
    /// Throws what `PasswordHasher` throws.
    AuthService(store::UserStore& users, UserTokens tokens, const base::Clock& clock, metrics::Registry& metrics,
                AuthConfig config);

    /// Errors: rate_limited, weak_password, email_taken, overloaded, unavailable.
    loop::Task<AuthResult<contracts::AuthAnswer>> register_user(contracts::RegisterRequest request, Client client);
    /// Takes equally long whether the account exists or not. Errors: rate_limited, invalid_credentials, overloaded,
    /// unavailable.
    loop::Task<AuthResult<contracts::AuthAnswer>> log_in(contracts::LoginRequest request, Client client);

    /// Whom a user token belongs to. `account` is empty for users who live in somebody else's identity provider.
    struct Identity {
        token::UserClaims claims;
        std::optional<store::User> account;
    };
    /// `authorization`: "Bearer …". Errors: token_absent, token_expired, token_invalid, overloaded, unavailable.
    loop::Task<AuthResult<Identity>> me(std::string authorization);
    // The duties to one user. Errors: overloaded, unavailable.
    /// Nothing when there is no such account.
    loop::Task<AuthResult<std::optional<store::User>>> account(base::UserId id);
    /// Whether there was an account to erase. Its tokens live until they expire.
    loop::Task<AuthResult<bool>> erase_account(base::UserId id);
    /// The JWK Set that the users' tokens can be verified with; without keys when they are signed with a secret.
    const std::string& public_keys() const { return config_.public_keys; }
    /// Whether calls would work now, for readiness.
    loop::Task<bool> ready();

 private:
    AuthFailure refuse(errc code);
    loop::Task<void> renew_hash(store::User user, std::string password);
    std::optional<AuthFailure> take_login_attempt(const std::string& account_key, const std::string& client_key);
    void give_back_login_attempt(const std::string& account_key, const std::string& client_key);
    contracts::AuthAnswer answer(const store::User& user) const;

    // Constant after construction; what they refer to is safe from any thread.
    store::UserStore& users_;
    const UserTokens tokens_;
    const base::Clock& clock_;
    metrics::Registry& metrics_;
    const AuthConfig config_;
    AttemptLimiter account_logins_;
    AttemptLimiter client_logins_;
    AttemptLimiter registrations_;
    PasswordHasher hasher_;
};

}  // namespace carillon::auth
