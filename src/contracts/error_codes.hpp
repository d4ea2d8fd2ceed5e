#pragma once

#include <optional>
#include <string_view>

namespace carillon::contracts {

/// Why a command on a socket was refused: `error.code` of its ack.
enum class AckErrorCode {
    invalid_payload,  ///< the payload breaks the contract, or the event is unknown
    unauthenticated,  ///< the socket has not authenticated yet, or the token of `AUTH` is no good
    forbidden,        ///< the token lacks the permission
    not_found,        ///< no such notification of this user
    rate_limited,     ///< too many messages; comes with `retryAfterMs`
    unavailable,      ///< the notification service cannot answer now
    internal,         ///< a fault of ours
};

/// Why a namespace CONNECT was refused: `data.code` of CONNECT_ERROR.
enum class ConnectErrorCode {
    unauthorized,          ///< no token, and none is awaited
    token_expired,         ///< the token was good once
    token_invalid,         ///< malformed, wrong signature, issuer, audience or type
    forbidden,             ///< the token lacks `notification:read`
    too_many_connections,  ///< the user's sockets are at their limit
};

/// The name on the wire.
std::string_view to_string(AckErrorCode code);
std::string_view to_string(ConnectErrorCode code);

std::optional<AckErrorCode> parse_ack_error_code(std::string_view name);
std::optional<ConnectErrorCode> parse_connect_error_code(std::string_view name);

}  // namespace carillon::contracts
