#include "gateway/socket_auth.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace carillon::gateway {

std::optional<std::string> handshake_token(const socketio::Handshake& handshake, bool query_token) {
    boost::system::error_code error;
    const auto auth = boost::json::parse(handshake.auth_json, error);
    if (!error && auth.is_object()) {
        const auto* token = auth.as_object().if_contains("token");
        const bool absent = token == nullptr || token->is_null() || (token->is_string() && token->as_string().empty());
        if (!absent) {
            if (!token->is_string()) return std::string{};
            const std::string_view text{token->as_string()};
            const auto bearer = token::bearer_token(text);
            return std::string{bearer.empty() ? text : bearer};
        }
    }
    if (const auto bearer = token::bearer_token(handshake.authorization); !bearer.empty()) return std::string{bearer};
    if (query_token) {
        const auto found = handshake.query.find("token");
        if (found != handshake.query.end() && !found->second.empty()) return found->second;
    }
    return std::nullopt;
}

base::Result<SocketIdentity, AuthRefusal> authenticate(const token::UserTokenVerifier& tokens, std::string_view token,
                                                       base::TimePoint now) {
    const auto claims = tokens.verify(token, now);
    if (!claims) {
        if (claims.error() == token::errc::expired) {
            return AuthRefusal{contracts::ConnectErrorCode::token_expired, "The token has expired."};
        }
        const bool revoked = claims.error() == token::errc::revoked;
        return AuthRefusal{contracts::ConnectErrorCode::token_invalid,
                           revoked ? "The token was revoked." : "The token is not valid here."};
    }
    if (!claims->may(token::permission::kRead)) {
        return AuthRefusal{contracts::ConnectErrorCode::forbidden, "The token lacks notification:read."};
    }
    return SocketIdentity{claims->user_id, claims->expires_at, claims->may(token::permission::kUpdate),
                          TokenMark::of(*claims)};
}

}  // namespace carillon::gateway
