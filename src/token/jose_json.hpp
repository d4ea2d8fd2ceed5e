#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"

/// The JSON inside tokens and key sets. The only place of this room that knows the JSON library.
namespace carillon::token {

/// A member's value as far as tokens need it; everything else (objects, mixed arrays, true, false, null) is `Other`.
using Other = std::monostate;
using Texts = std::vector<std::string>;
using JoseValue = std::variant<Other, std::string, std::int64_t, double, Texts>;

/// The members of one JSON object, by name.
class JoseObject {
 public:
    const JoseValue* find(std::string_view name) const;
    bool has(std::string_view name) const { return find(name) != nullptr; }
    /// The text of a member; nullptr when it is absent or not a string.
    const std::string* text(std::string_view name) const;
    void add(std::string name, JoseValue value) { members_.emplace_back(std::move(name), std::move(value)); }
    JoseValue& last() { return members_.back().second; }

 private:
    std::vector<std::pair<std::string, JoseValue>> members_;
};

/// Reads a JSON object strictly: valid UTF-8, nothing after it, at most 16 levels and 128 members an object, and no
/// name twice in any object (RFC 7515 section 4, RFC 7519 section 4). Nullopt otherwise.
std::optional<JoseObject> parse_jose_object(std::string_view json);

/// The members of each object in `keys` of a JWK Set (RFC 7517 section 5). Nullopt when it is no key set.
std::optional<std::vector<JoseObject>> parse_jwk_set(std::string_view json);

/// A NumericDate (RFC 7519 section 2): seconds, with or without decimals; nullopt for other values and for times that
/// are no years from 0 to about 9999.
std::optional<base::TimePoint> numeric_date(const JoseValue& value);

/// What a signed token of ours says.
struct TokenClaims {
    std::string_view issuer;
    std::string_view audience;
    std::string_view subject;
    std::string_view token_id;  ///< left out when empty
    std::int64_t issued_at_s = 0;
    std::int64_t expires_at_s = 0;
    const std::vector<std::string>* permissions = nullptr;  ///< left out when null
};

std::string encode_token_claims(const TokenClaims& claims);

}  // namespace carillon::token
