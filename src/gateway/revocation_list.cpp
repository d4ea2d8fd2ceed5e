#include "gateway/revocation_list.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <mutex>

namespace carillon::gateway {
namespace {

std::size_t hash_of(std::string_view token_id) {
    return std::hash<std::string_view>{}(token_id);
}

}  // namespace

TokenMark TokenMark::of(const token::UserClaims& claims) {
    return {hash_of(claims.token_id), claims.issued_at};
}

bool TokenMark::is_refused_by(const contracts::Revocation& revocation) const {
    if (revocation.token_id) return id_hash == hash_of(*revocation.token_id);
    return issued_at < revocation.issued_before;
}

bool RevocationList::add(const contracts::Revocation& revocation, base::TimePoint now) {
    if (revocation.expires_at <= now) return false;
    const std::unique_lock lock{mutex_};
    Refused& refused = users_[revocation.user_id];
    if (revocation.token_id) {
        auto& remembered = refused.tokens[hash_of(*revocation.token_id)];
        if (remembered >= revocation.expires_at) return false;
        remembered = revocation.expires_at;
        return true;
    }
    if (refused.issued_before >= revocation.issued_before && refused.expires_at >= revocation.expires_at) return false;
    refused.issued_before = std::max(refused.issued_before, revocation.issued_before);
    refused.expires_at = std::max(refused.expires_at, revocation.expires_at);
    return true;
}

bool RevocationList::refuses(base::UserId user, const TokenMark& token) const {
    const std::shared_lock lock{mutex_};
    const auto found = users_.find(user);
    if (found == users_.end()) return false;
    return token.issued_at < found->second.issued_before || found->second.tokens.contains(token.id_hash);
}

void RevocationList::forget_expired(base::TimePoint now) {
    const std::unique_lock lock{mutex_};
    for (auto user = users_.begin(); user != users_.end();) {
        Refused& refused = user->second;
        std::erase_if(refused.tokens, [now](const auto& token) { return token.second <= now; });
        if (refused.expires_at <= now) refused.issued_before = {};
        user = refused.tokens.empty() && refused.expires_at <= now ? users_.erase(user) : std::next(user);
    }
}

std::size_t RevocationList::size() const {
    const std::shared_lock lock{mutex_};
    return users_.size();
}

base::Result<token::UserClaims> RevocationVerifier::verify(std::string_view token, base::TimePoint now) const {
    auto claims = tokens_.verify(token, now);
    if (claims && revocations_.refuses(claims->user_id, TokenMark::of(*claims))) return token::errc::revoked;
    return claims;
}

}  // namespace carillon::gateway
