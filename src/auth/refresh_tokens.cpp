#include "auth/refresh_tokens.hpp"

#include <cstring>

#include "token/base64url.hpp"

namespace carillon::auth {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kIdBytes = sizeof(base::Uuid::bytes);
constexpr std::string_view kPurpose = "carillon refresh tokens, version 1";

std::string raw(const store::SessionId& id) {
    return {reinterpret_cast<const char*>(id.uuid.bytes.data()), kIdBytes};
}

}  // namespace

std::string RefreshToken::text() const {
    return token::base64url_encode(raw(session) + secret);
}

std::optional<RefreshToken> RefreshToken::parse(std::string_view text) {
    const auto bytes = token::base64url_decode(text);
    if (!bytes || bytes->size() != kIdBytes + kSecretBytes) return std::nullopt;
    RefreshToken token;
    std::memcpy(token.session.uuid.bytes.data(), bytes->data(), kIdBytes);
    token.secret = bytes->substr(kIdBytes);
    return token;
}

base::Digest RefreshToken::hash() const {
    return base::sha256(raw(session) + secret);
}

// A key of its own: what the services' secret signs elsewhere never serves here.
RefreshTokens::RefreshTokens(const std::string& secret)
    : key_{std::make_unique<token::HmacKey>(token::HmacKey{secret}.sign(kPurpose))} {}

RefreshToken RefreshTokens::first(base::TimePoint now) const {
    RefreshToken token{store::SessionId{base::Uuid::generate_v7(now)}, std::string(kSecretBytes, '\0')};
    base::random_bytes(token.secret.data(), token.secret.size());
    return token;
}

RefreshToken RefreshTokens::next(const RefreshToken& token) const {
    return {token.session, key_->sign(raw(token.session) + token.secret)};
}

RefreshTokens::Standing RefreshTokens::standing(const RefreshToken& token, const store::Session& session,
                                                base::TimePoint now) const {
    if (token.hash() == session.current) return {Kind::current, token};
    RefreshToken successor = token;
    for (const base::TimePoint replaced_at : session.rotations) {
        successor = next(successor);
        if (successor.hash() != session.current) continue;
        // As many rotations back as there were steps; the one that replaced the token is this one.
        const bool in_time = now - replaced_at <= kRefreshGrace;
        return {in_time ? Kind::replaced : Kind::stale, std::move(successor)};
    }
    return {};
}

}  // namespace carillon::auth
