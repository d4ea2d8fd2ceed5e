#pragma once

#include <cstddef>
#include <shared_mutex>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "contracts/revocations.hpp"
#include "token/token.hpp"

namespace carillon::gateway {

/// What a socket remembers of the token that it showed: enough to know it again.
struct TokenMark {
    std::size_t id_hash = 0;  ///< of `jti`
    base::TimePoint issued_at;

    static TokenMark of(const token::UserClaims& claims);
    bool is_refused_by(const contracts::Revocation& revocation) const;
};

/// The revocations that have not expired. Thread: any; asked when a token is verified, never for a message.
class RevocationList {
 public:
    /// False when it was known, or has expired.
    bool add(const contracts::Revocation& revocation, base::TimePoint now);
    bool refuses(base::UserId user, const TokenMark& token) const;
    void forget_expired(base::TimePoint now);
    /// Users with a revocation.
    std::size_t size() const;

 private:
    struct Refused {
        base::TimePoint issued_before;
        base::TimePoint expires_at;
        std::unordered_map<std::size_t, base::TimePoint> tokens;  ///< by hash; until when it is remembered
    };

    // Guarded by mutex_.
    mutable std::shared_mutex mutex_;
    std::unordered_map<base::UserId, Refused> users_;
};

/// A verifier that refuses revoked tokens as well (`token::errc::revoked`). What it is given outlives it. Thread: any.
class RevocationVerifier final : public token::UserTokenVerifier {
 public:
    RevocationVerifier(const token::UserTokenVerifier& tokens, const RevocationList& revocations)
        : tokens_{tokens}, revocations_{revocations} {}

    base::Result<token::UserClaims> verify(std::string_view token, base::TimePoint now) const override;

 private:
    // Constant after construction.
    const token::UserTokenVerifier& tokens_;
    const RevocationList& revocations_;
};

}  // namespace carillon::gateway
