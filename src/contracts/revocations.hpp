#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "contracts/validation.hpp"

/// Tokens that are good no longer: the event on the bus, the request for it, and what the auth service tells gateways.
namespace carillon::contracts {

inline constexpr std::string_view kTokenRevokedSubject = "token.revoked";
inline constexpr std::size_t kTokenIdCharsMax = 256;

/// Refuses the one token that `token_id` names; without it, the user's tokens issued before `issued_before`.
struct Revocation {
    base::UserId user_id;
    std::optional<std::string> token_id;
    base::TimePoint issued_before;
    base::TimePoint revoked_at;
    base::TimePoint expires_at;
};

/// `token.revoked`
struct TokenRevoked {
    base::EventId event_id;
    Revocation revocation;
};

/// Body of `POST /admin/users/{id}/revoke`.
struct RevokeRequest {
    std::optional<std::string> token_id;
    std::optional<base::TimePoint> issued_before;
};

/// Answer of the auth service's `GET /revocations`.
struct RevocationsAnswer {
    struct Item {
        base::Uuid id;
        Revocation revocation;
    };
    std::vector<Item> revocations;
    bool has_more = false;
    base::TimePoint as_of;
};

std::string encode_bus_event(const TokenRevoked& event);
Decoded<TokenRevoked> decode_token_revoked(std::string_view json);
std::string encode_revocation(const Revocation& revocation);
Decoded<Revocation> decode_revocation(std::string_view json);
std::string encode_revoke_request(const RevokeRequest& request);
/// An empty body is an empty object.
Decoded<RevokeRequest> decode_revoke_request(std::string_view json);
std::string encode_revocations_answer(const RevocationsAnswer& answer);
Decoded<RevocationsAnswer> decode_revocations_answer(std::string_view json);

}  // namespace carillon::contracts
