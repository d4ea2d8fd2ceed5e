#include "token/compact_jws.hpp"
#include "token/token.hpp"

namespace carillon::token {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kIssuer = "carillon";
constexpr std::string_view kAudience = "carillon-internal";
constexpr auto kLifetimeMax = 60s;
// Between the clocks of our own machines. `exp` gets none: a token made a few seconds ahead of us is long enough.
constexpr auto kLeeway = 5s;
constexpr std::size_t kServiceBytesMax = 64;

}  // namespace

InternalTokens::InternalTokens(std::string secret) : key_{std::make_shared<const HmacKey>(std::move(secret))} {}

std::string InternalTokens::sign(std::string_view service, base::TimePoint now) const {
    const auto issued_at = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch();
    TokenClaims claims;
    claims.issuer = kIssuer;
    claims.audience = kAudience;
    claims.subject = service;
    claims.issued_at_s = issued_at.count();
    claims.expires_at_s = (issued_at + kLifetimeMax).count();
    return sign_compact_jws(*key_, kInternalType, encode_token_claims(claims));
}

base::Result<std::string> InternalTokens::verify(std::string_view token, base::TimePoint now) const {
    const auto jws = split_compact_jws(token);
    if (!jws) return jws.error();
    if (jws->algorithm != key_->algorithm()) return errc::algorithm_refused;
    if (!is_type(jws->type, kInternalType)) return errc::wrong_type;
    if (!key_->verify(jws->signing_input, jws->signature)) return errc::bad_signature;
    auto claims = check_claims(jws->payload, {kIssuer, kAudience, kLeeway}, now);
    if (!claims) return claims.error();
    if (!claims->issued_at) return errc::missing_claim;
    if (claims->expires_at - *claims->issued_at > kLifetimeMax) return errc::lifetime_too_long;
    if (claims->subject().empty() || claims->subject().size() > kServiceBytesMax) return errc::bad_subject;
    return claims->subject();
}

}  // namespace carillon::token
