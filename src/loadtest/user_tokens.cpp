#include "loadtest/user_tokens.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "contracts/json_value.hpp"
#include "loadtest/endpoint.hpp"
#include "token/base64url.hpp"
#include "token/token.hpp"

namespace carillon::loadtest {
namespace {

constexpr std::chrono::hours kLifetime{24};

/// A version 4 UUID from the run's number and the user's.
base::UserId stranger(std::uint64_t run, std::uint64_t number) {
    base::UserId id;
    auto& bytes = id.uuid.bytes;
    for (std::size_t i = 0; i < 8; ++i) {
        bytes[i] = static_cast<std::uint8_t>(run >> (56 - 8 * i));
        bytes[8 + i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
    }
    bytes[6] = static_cast<std::uint8_t>(0x40U | (bytes[6] & 0x0FU));
    bytes[8] = static_cast<std::uint8_t>(0x80U | (bytes[8] & 0x3FU));
    return id;
}

base::UserId subject_of(const std::string& token) {
    const auto first = token.find('.');
    const auto second = token.find('.', first + 1);
    if (first != std::string::npos && second != std::string::npos) {
        const auto payload = token::base64url_decode(std::string_view{token}.substr(first + 1, second - first - 1));
        const auto claims = contracts::parse_json(payload.value_or(""));
        const auto* const sub = claims ? claims->find("sub") : nullptr;
        if (sub != nullptr && sub->is(contracts::JsonValue::Kind::string)) {
            if (const auto user = base::UserId::parse(sub->text)) return *user;
        }
    }
    throw SetupError("--token-file: wants one JWT a line, with a UUID as `sub`");
}

}  // namespace

UserTokens make_user_tokens(const Plan& plan, std::uint64_t run) {
    UserTokens made;
    if (!plan.tokens.given.empty()) {
        for (const auto& token : plan.tokens.given) {
            made.users.push_back(subject_of(token));
            made.tokens.push_back(token);
        }
        return made;
    }
    const token::UserTokenSigner signer{plan.tokens.jwt_secret, plan.tokens.issuer, plan.tokens.audience};
    const std::vector<std::string> permissions{std::string{token::permission::kRead},
                                               std::string{token::permission::kUpdate}};
    const auto now = base::system_clock().now();
    for (std::size_t i = 0; i < plan.users; ++i) {
        made.users.push_back(stranger(run, i));
        made.tokens.push_back(signer.sign(made.users.back(), permissions, kLifetime, now));
    }
    return made;
}

}  // namespace carillon::loadtest
