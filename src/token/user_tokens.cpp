#include <openssl/crypto.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>

#include "token/compact_jws.hpp"
#include "token/signing_key.hpp"
#include "token/token.hpp"

namespace carillon::token {
namespace {

using Seconds = std::chrono::seconds;

constexpr std::size_t kKeysMax = 64;
constexpr std::size_t kPermissionsMax = 64;
constexpr std::size_t kPermissionBytesMax = 128;

struct NamedKey {
    std::optional<std::string> id;
    std::unique_ptr<SignatureKey> key;
};
using KeySet = std::vector<NamedKey>;

base::Result<std::vector<std::string>> read_permissions(const JoseObject& claims,
                                                        const std::vector<std::string>& when_absent) {
    const JoseValue* value = claims.find("permissions");
    if (value == nullptr) return when_absent;
    const auto* permissions = std::get_if<Texts>(value);
    if (permissions == nullptr || permissions->size() > kPermissionsMax) return errc::missing_claim;
    for (const std::string& permission : *permissions) {
        if (permission.size() > kPermissionBytesMax) return errc::missing_claim;
    }
    return *permissions;
}

UserTokenConfig checked(UserTokenConfig config) {
    if (config.accepted_types.empty()) throw std::invalid_argument("at least one token type must be accepted");
    for (const std::string& type : config.accepted_types) {
        if (type.empty()) throw std::invalid_argument("an accepted token type must not be empty");
        if (is_type(type, kInternalType)) {
            throw std::invalid_argument("internal+jwt is the type of internal tokens and never of a user's");
        }
    }
    return config;
}

base::Result<UserClaims> read_user(const CompactJws& jws, const UserTokenConfig& config, base::TimePoint now) {
    auto checked = check_claims(jws.payload, {config.issuer, config.audience, config.leeway}, now);
    if (!checked) return checked.error();
    const auto user = base::UserId::parse(checked->subject());
    if (!user) return errc::bad_subject;
    auto permissions = read_permissions(checked->all, config.default_permissions);
    if (!permissions) return permissions.error();
    UserClaims claims;
    claims.user_id = *user;
    if (checked->all.has("jti")) {
        const std::string* id = checked->all.text("jti");
        if (id == nullptr) return errc::missing_claim;
        claims.token_id = *id;
    }
    claims.issued_at = checked->issued_at.value_or(base::TimePoint{});
    claims.expires_at = checked->expires_at;
    claims.permissions = std::move(*permissions);
    return claims;
}

base::Result<UserClaims> verify_with(const SignatureKey& key, const CompactJws& jws, const UserTokenConfig& config,
                                     base::TimePoint now) {
    if (jws.algorithm != key.algorithm()) return errc::algorithm_refused;
    const bool right_type = std::any_of(config.accepted_types.begin(), config.accepted_types.end(),
                                        [&jws](const std::string& accepted) { return is_type(jws.type, accepted); });
    if (!right_type) return errc::wrong_type;
    if (!key.verify(jws.signing_input, jws.signature)) return errc::bad_signature;
    return read_user(jws, config, now);
}

/// One key, whatever `kid` a token names: there is no other to choose.
class SingleKeyVerifier final : public UserTokenVerifier {
 public:
    SingleKeyVerifier(std::unique_ptr<SignatureKey> key, UserTokenConfig config)
        : key_{std::move(key)}, config_{checked(std::move(config))} {}

    base::Result<UserClaims> verify(std::string_view token, base::TimePoint now) const override {
        const auto jws = split_compact_jws(token);
        if (!jws) return jws.error();
        return verify_with(*key_, *jws, config_, now);
    }

 private:
    // Constant after construction.
    std::unique_ptr<SignatureKey> key_;
    UserTokenConfig config_;
};

std::shared_ptr<const KeySet> read_key_set(std::string_view jwks_json) {
    const auto objects = parse_jwk_set(jwks_json);
    if (!objects) throw std::invalid_argument("not a JWK Set");
    if (objects->size() > kKeysMax) throw std::invalid_argument("the JWK Set has more than 64 keys");
    auto keys = std::make_shared<KeySet>();
    for (const JoseObject& object : *objects) {
        const std::string* id = object.text("kid");
        if (id == nullptr && object.has("kid")) continue;
        if (auto key = make_key_from_jwk(object)) {
            keys->push_back({id == nullptr ? std::nullopt : std::optional{*id}, std::move(key)});
        }
    }
    if (keys->empty()) throw std::invalid_argument("the JWK Set has no RS256, ES256 or EdDSA key for signatures");
    return keys;
}

class KeySetVerifier final : public JwksVerifier {
 public:
    KeySetVerifier(std::string_view jwks_json, UserTokenConfig config)
        : config_{checked(std::move(config))}, keys_{read_key_set(jwks_json)} {}

    base::Result<UserClaims> verify(std::string_view token, base::TimePoint now) const override {
        const auto jws = split_compact_jws(token);
        if (!jws) return jws.error();
        const auto keys = current();
        const auto key = choose(*keys, *jws);
        if (!key) return key.error();
        return verify_with(**key, *jws, config_, now);
    }

    std::size_t replace_keys(std::string_view jwks_json) override {
        auto keys = read_key_set(jwks_json);
        const std::size_t count = keys->size();
        const std::lock_guard lock{mutex_};
        keys_.swap(keys);
        return count;
    }

 private:
    std::shared_ptr<const KeySet> current() const {
        const std::lock_guard lock{mutex_};
        return keys_;
    }

    // A set may hold one id for keys of several algorithms (RFC 7517 section 4.5).
    static base::Result<const SignatureKey*> choose(const KeySet& keys, const CompactJws& jws) {
        if (!jws.key_id) {
            if (keys.size() == 1) return keys.front().key.get();
            return errc::unknown_key;
        }
        bool known = false;
        for (const auto& [id, key] : keys) {
            if (id != jws.key_id) continue;
            known = true;
            if (key->algorithm() == jws.algorithm) return key.get();
        }
        if (known) return errc::algorithm_refused;
        return errc::unknown_key;
    }

    // Constant after construction.
    const UserTokenConfig config_;
    // Guarded by mutex_, which is held to copy or swap the pointer and no longer. Not on the path of messages: a token
    // is verified once for a socket, and once for a request.
    mutable std::mutex mutex_;
    std::shared_ptr<const KeySet> keys_;
};

}  // namespace

bool UserClaims::may(std::string_view permission) const {
    return std::find(permissions.begin(), permissions.end(), permission) != permissions.end();
}

std::unique_ptr<UserTokenVerifier> make_secret_verifier(std::string secret, UserTokenConfig config) {
    return std::make_unique<SingleKeyVerifier>(std::make_unique<HmacKey>(std::move(secret)), std::move(config));
}

std::unique_ptr<UserTokenVerifier> make_public_key_verifier(std::string_view pem, UserTokenConfig config) {
    return std::make_unique<SingleKeyVerifier>(make_key_from_pem(pem), std::move(config));
}

std::unique_ptr<JwksVerifier> make_jwks_verifier(std::string_view jwks_json, UserTokenConfig config) {
    return std::make_unique<KeySetVerifier>(jwks_json, std::move(config));
}

std::string public_jwk_set(const std::vector<std::string>& private_pems) {
    std::string set;
    for (const std::string& pem : private_pems) {
        set += set.empty() ? "" : ",";
        set += PrivateKey{pem}.public_jwk();
    }
    return R"({"keys":[)" + set + "]}";
}

UserTokenSigner::UserTokenSigner(std::string secret, std::string issuer, std::string audience)
    : UserTokenSigner{std::make_shared<const HmacKey>(std::move(secret)), std::move(issuer), std::move(audience)} {}

UserTokenSigner::UserTokenSigner(std::shared_ptr<const SigningKey> key, std::string issuer, std::string audience)
    : key_{std::move(key)}, issuer_{std::move(issuer)}, audience_{std::move(audience)} {}

UserTokenSigner UserTokenSigner::with_private_key(std::string_view pem, std::string issuer, std::string audience) {
    return {std::make_shared<const PrivateKey>(pem), std::move(issuer), std::move(audience)};
}

std::string UserTokenSigner::sign(base::UserId user, const std::vector<std::string>& permissions, Seconds lifetime,
                                  base::TimePoint now) const {
    const auto issued_at = std::chrono::floor<Seconds>(now).time_since_epoch();
    const std::string subject = user.to_string();
    const std::string token_id = base::Uuid::generate_v7(now).to_string();
    TokenClaims claims;
    claims.issuer = issuer_;
    claims.audience = audience_;
    claims.subject = subject;
    claims.token_id = token_id;
    claims.issued_at_s = issued_at.count();
    claims.expires_at_s = (issued_at + lifetime).count();
    claims.permissions = &permissions;
    return sign_compact_jws(*key_, "at+jwt", encode_token_claims(claims));
}

std::string_view bearer_token(std::string_view authorization) {
    constexpr std::string_view kScheme = "bearer";
    if (authorization.size() <= kScheme.size() || authorization[kScheme.size()] != ' ') return {};
    for (std::size_t i = 0; i < kScheme.size(); ++i) {
        const char c = authorization[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c) != kScheme[i]) return {};
    }
    const auto start = authorization.find_first_not_of(' ', kScheme.size());
    if (start == std::string_view::npos) return {};
    const std::string_view token = authorization.substr(start);
    return token.find_first_of(" \t,") == std::string_view::npos ? token : std::string_view{};
}

}  // namespace carillon::token
