#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "token/errc.hpp"

namespace carillon::token {

class HmacKey;
class SigningKey;

/// The permissions a user token can carry.
namespace permission {
inline constexpr std::string_view kRead = "notification:read";
inline constexpr std::string_view kUpdate = "notification:update";
inline constexpr std::string_view kCreate = "notification:create";
inline constexpr std::string_view kCreateSelf = "notification:create:self";
inline constexpr std::string_view kAdmin = "admin";
}  // namespace permission

/// What a verified user token says.
struct UserClaims {
    base::UserId user_id;
    std::string token_id;       ///< `jti`; empty when the token has none
    base::TimePoint issued_at;  ///< the epoch when the token has no `iat`
    base::TimePoint expires_at;
    std::vector<std::string> permissions;

    bool may(std::string_view permission) const;
};

struct UserTokenConfig {
    std::string issuer = "carillon";
    std::string audience = "carillon";
    std::vector<std::string> accepted_types{
        "at+jwt"};                                 ///< values of `typ` in the header (RFC 9068), compared caselessly
    std::vector<std::string> default_permissions;  ///< for tokens without the claim
    std::chrono::seconds leeway{5};                ///< for `nbf` and `iat`; `exp` gets none
};

/// Verifies user tokens against one set of keys; each key has exactly one algorithm (RFC 8725 section 3.1).
/// Thread: any. The makers below throw std::invalid_argument, saying what is wrong, for keys or settings that are no
/// good; `internal+jwt` is never accepted as a type.
class UserTokenVerifier {
 public:
    virtual ~UserTokenVerifier() = default;
    virtual base::Result<UserClaims> verify(std::string_view token, base::TimePoint now) const = 0;
};

/// HS256 with the UTF-8 text of `secret` (at least 32 bytes; throws std::invalid_argument otherwise, naming the rule).
std::unique_ptr<UserTokenVerifier> make_secret_verifier(std::string secret, UserTokenConfig config);
/// RS256 (RSA, 2,048 bits and more), ES256 (P-256) or EdDSA (Ed25519), by the kind of the PEM public key.
std::unique_ptr<UserTokenVerifier> make_public_key_verifier(std::string_view pem, UserTokenConfig config);

/// Verifies with the key of a JWK Set that `kid` names; a token without `kid` is taken when the set has one key only.
class JwksVerifier : public UserTokenVerifier {
 public:
    /// Takes another set from now on, and says how many keys it has; throws, and keeps the old one, as
    /// `make_jwks_verifier` does. Thread: any.
    virtual std::size_t replace_keys(std::string_view jwks_json) = 0;
};

/// A JWK Set (RFC 7517). Keys that cannot be used here (other types and uses, symmetric ones) are left out; throws
/// std::invalid_argument when none remains, and for more than 64.
std::unique_ptr<JwksVerifier> make_jwks_verifier(std::string_view jwks_json, UserTokenConfig config);

/// The public halves of private keys (PEM), as a JWK Set; `kid` is each one's thumbprint (RFC 7638). Throws
/// std::invalid_argument, as `UserTokenSigner::with_private_key`.
std::string public_jwk_set(const std::vector<std::string>& private_pems);

/// Signs user tokens. Thread: any.
class UserTokenSigner {
 public:
    /// HS256. Throws std::invalid_argument when `secret` has fewer than 32 bytes.
    UserTokenSigner(std::string secret, std::string issuer, std::string audience);
    /// RS256, ES256 or EdDSA, by the kind of the PEM private key, which must not have a passphrase. Throws
    /// std::invalid_argument for keys that are none, too weak, or of another kind.
    static UserTokenSigner with_private_key(std::string_view pem, std::string issuer, std::string audience);

    std::string sign(base::UserId user, const std::vector<std::string>& permissions, std::chrono::seconds lifetime,
                     base::TimePoint now) const;

 private:
    UserTokenSigner(std::shared_ptr<const SigningKey> key, std::string issuer, std::string audience);

    // Constant after construction.
    std::shared_ptr<const SigningKey> key_;
    std::string issuer_;
    std::string audience_;
};

/// Signs and verifies the tokens that services show each other: HS256 with a secret of their own, `typ: internal+jwt`,
/// `iss: carillon`, `aud: carillon-internal`, at most 60 s long. Never interchangeable with user tokens. Thread: any.
class InternalTokens {
 public:
    /// Throws std::invalid_argument when `secret` has fewer than 32 bytes.
    explicit InternalTokens(std::string secret);
    std::string sign(std::string_view service, base::TimePoint now) const;
    /// The name of the calling service (`sub`).
    base::Result<std::string> verify(std::string_view token, base::TimePoint now) const;

 private:
    // Constant after construction.
    std::shared_ptr<const HmacKey> key_;
};

/// The token of an `Authorization: Bearer` value (scheme caseless, RFC 6750 section 2.1); empty when it is none.
std::string_view bearer_token(std::string_view authorization);

}  // namespace carillon::token
