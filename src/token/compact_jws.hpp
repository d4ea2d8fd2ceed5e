#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "token/errc.hpp"
#include "token/jose_json.hpp"
#include "token/signature_key.hpp"

namespace carillon::token {

inline constexpr std::size_t kTokenBytesMax = 8 * 1024;
inline constexpr std::size_t kHeaderBytesMax = 1024;

/// `typ` of the tokens that services show each other. Never accepted for a user's.
inline constexpr std::string_view kInternalType = "internal+jwt";

/// A JWS in its compact form (RFC 7515 section 7.1), taken apart but not verified. Views into the token.
struct CompactJws {
    Algorithm algorithm = Algorithm::hs256;
    std::string type;                   ///< `typ`, empty when there is none
    std::optional<std::string> key_id;  ///< `kid`
    std::string_view signing_input;
    std::string_view payload;  ///< still base64url: nothing in it counts before the signature was verified
    std::string signature;
};

/// Errors: malformed (also for `crit`, which names extensions that nobody here understands, RFC 7515 section 4.1.11),
/// algorithm_refused. `jku`, `x5u`, `jwk` and `x5c` are ignored: a token never says which key to trust.
base::Result<CompactJws> split_compact_jws(std::string_view token);

/// Whether `typ` is `accepted`: caseless, and "application/" may be left out (RFC 7515 section 4.1.9).
bool is_type(std::string_view type, std::string_view accepted);

/// What the claims of a verified token must say, whoever it is for.
struct ClaimRules {
    std::string_view issuer;
    std::string_view audience;
    std::chrono::seconds leeway;  ///< for `nbf` and `iat`
};

struct CheckedClaims {
    JoseObject all;
    std::optional<base::TimePoint> issued_at;
    base::TimePoint expires_at;
    const std::string& subject() const { return *all.text("sub"); }
};

/// Reads the payload of a token whose signature was verified. `iss`, `aud`, `exp` and `sub` must be there. Errors:
/// malformed, missing_claim, wrong_issuer, wrong_audience, expired (at `exp` itself too), not_yet_valid.
base::Result<CheckedClaims> check_claims(std::string_view payload, const ClaimRules& rules, base::TimePoint now);

/// The compact form of `claims_json`, signed with `key`; its header says `alg`, `typ`, and `kid` when the key has one.
std::string sign_compact_jws(const SigningKey& key, std::string_view type, std::string_view claims_json);

}  // namespace carillon::token
