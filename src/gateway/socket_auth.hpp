#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "contracts/error_codes.hpp"
#include "gateway/revocation_list.hpp"
#include "socketio/server.hpp"
#include "token/token.hpp"

namespace carillon::gateway {

/// Whose socket it is, from a verified token that may receive notifications.
struct SocketIdentity {
    base::UserId user;
    base::TimePoint expires_at;
    bool may_update = false;
    TokenMark token;
};

/// Why a token does not authenticate a socket.
struct AuthRefusal {
    contracts::ConnectErrorCode code = contracts::ConnectErrorCode::token_invalid;
    std::string message;
};

/// The token that a client showed when it connected: `auth.token`, else `Authorization: Bearer`, else `?token=` (when
/// `query_token`). Nullopt when it showed none; something that cannot be a token comes back as an empty string.
std::optional<std::string> handshake_token(const socketio::Handshake& handshake, bool query_token);

base::Result<SocketIdentity, AuthRefusal> authenticate(const token::UserTokenVerifier& tokens, std::string_view token,
                                                       base::TimePoint now);

}  // namespace carillon::gateway
