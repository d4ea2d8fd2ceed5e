#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "auth/attempt_limiter.hpp"
#include "auth/errc.hpp"
#include "auth/password_hasher.hpp"
#include "auth/refresh_tokens.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "contracts/rest_bodies.hpp"
#include "contracts/revocations.hpp"
#include "loop/task.hpp"
#include "metrics/registry.hpp"
#include "store/revocation_store.hpp"
#include "store/session_store.hpp"
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
    std::chrono::seconds session_lifetime{30 * 24 * 3'600};     ///< from the log-in on; refreshing does not lengthen it
    std::uint32_t sessions_per_user = 20;                       ///< the oldest go
    std::chrono::seconds revocation_lifetime{30 * 24 * 3'600};  ///< how long one is remembered: no token lives longer
    std::size_t failed_refreshes_per_client = 30;               ///< in a minute
    // 0 turns a limit off.
    std::size_t failed_logins_per_account_and_client = 10;  ///< in a minute
    std::size_t failed_logins_per_client = 30;              ///< in a minute
    std::size_t registrations_per_client = 10;              ///< in a second
    PasswordHashing hashing;
    std::string public_keys = R"({"keys":[]})";  ///< a JWK Set, for `/.well-known/jwks.json`
};

/// The tokens that the service works with. All must outlive it.
struct UserTokens {
    const token::UserTokenSigner& signer;
    const token::UserTokenVerifier& verifier;
    const RefreshTokens& refresh;
};

/// What the service keeps. All must outlive it.
struct AuthStores {
    store::UserStore& users;
    store::SessionStore& sessions;
    store::RevocationStore& revocations;
};

/// Somebody is logged in.
struct LoggedIn : contracts::AuthAnswer {
    std::string refresh_token;                ///< for the cookie; empty when none could be kept
    std::chrono::seconds refresh_lifetime{};  ///< what is left of the session
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
    AuthService(AuthStores stores, UserTokens tokens, const base::Clock& clock, metrics::Registry& metrics,
                AuthConfig config);

    /// Errors: rate_limited, weak_password, email_taken, overloaded, unavailable.
    loop::Task<AuthResult<LoggedIn>> register_user(contracts::RegisterRequest request, Client client);
    /// Takes equally long whether the account exists or not. Errors: rate_limited, invalid_credentials, overloaded,
    /// unavailable.
    loop::Task<AuthResult<LoggedIn>> log_in(contracts::LoginRequest request, Client client);
    /// A new token by the refresh token of a log-in, which is replaced. One that was replaced before and is shown again
    /// after the grace ends the session: it is in two hands (RFC 9700 section 4.14). Errors: token_absent,
    /// token_expired, token_invalid, rate_limited, overloaded, unavailable.
    loop::Task<AuthResult<LoggedIn>> refresh(std::string refresh_token, Client client);
    /// Ends the session, whichever of its tokens it is. Errors: overloaded, unavailable.
    loop::Task<AuthResult<bool>> log_out(std::string refresh_token);

    /// Who wants tokens revoked.
    struct Administrator {
        std::string user_id;
        std::string idempotency_key;  ///< empty: none
        std::string traceparent;
    };
    /// From when this returns on nothing here takes the tokens, and gateways are told. Errors: revocation_in_future,
    /// key_reused, overloaded, unavailable.
    loop::Task<AuthResult<store::RevocationStore::Added>> revoke(base::UserId user, contracts::RevokeRequest request,
                                                                 Administrator administrator);
    /// A page of those that have not expired. Errors: overloaded, unavailable.
    loop::Task<AuthResult<contracts::RevocationsAnswer>> revocations(store::RevocationStore::Position after);

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
    /// Whether there was an account to erase. Its sessions end; its tokens are revoked by who asks for it.
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
    loop::Task<AuthResult<LoggedIn>> begin_session(store::User user);
    loop::Task<AuthResult<LoggedIn>> go_on(RefreshToken token, base::TimePoint now);
    loop::Task<AuthResult<LoggedIn>> answer(store::User user);
    LoggedIn with_cookie(LoggedIn answer, const RefreshToken& token, base::TimePoint expires_at) const;

    // Constant after construction; what they refer to is safe from any thread.
    store::UserStore& users_;
    store::SessionStore& sessions_;
    store::RevocationStore& revocations_;
    const UserTokens tokens_;
    const base::Clock& clock_;
    metrics::Registry& metrics_;
    const AuthConfig config_;
    AttemptLimiter account_logins_;
    AttemptLimiter client_logins_;
    AttemptLimiter registrations_;
    AttemptLimiter client_refreshes_;
    PasswordHasher hasher_;
};

}  // namespace carillon::auth
