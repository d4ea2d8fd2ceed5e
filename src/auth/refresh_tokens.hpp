#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "store/session_store.hpp"
#include "token/signature_key.hpp"

namespace carillon::auth {

/// What the cookie holds: which session, and a secret of 32 bytes. 64 characters of base64url.
struct RefreshToken {
    store::SessionId session;
    std::string secret;

    std::string text() const;
    static std::optional<RefreshToken> parse(std::string_view text);
    /// What is kept of it.
    base::Digest hash() const;
};

/// A token that was replaced is still taken for this long: two tabs that refresh at once, or an answer that was lost,
/// do not end a log-in. It gets the token that took its place, and no new one.
inline constexpr std::chrono::seconds kRefreshGrace{10};

/// Makes refresh tokens. Each one follows from the one before it and a key, so that the successor of a token that comes
/// twice is known again without having been kept. Immutable. Thread: any.
class RefreshTokens {
 public:
    /// `secret` has at least 32 bytes, the same in all instances of the auth service.
    explicit RefreshTokens(const std::string& secret);

    RefreshToken first(base::TimePoint now) const;
    RefreshToken next(const RefreshToken& token) const;

    enum class Kind {
        current,   ///< the good one: to be replaced
        replaced,  ///< within the grace: its successor `current` is still good
        stale,     ///< replaced long ago, or never given out: somebody else has it
    };
    struct Standing {
        Kind kind = Kind::stale;
        RefreshToken current;
    };
    Standing standing(const RefreshToken& token, const store::Session& session, base::TimePoint now) const;

 private:
    // Constant after construction.
    std::unique_ptr<token::HmacKey> key_;
};

}  // namespace carillon::auth
