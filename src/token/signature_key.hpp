#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "token/jose_json.hpp"

struct evp_pkey_st;

namespace carillon::token {

/// The JWS algorithms accepted here (RFC 7518 section 3.1, RFC 8037 section 3.1). `none` is not among them.
enum class Algorithm { hs256, rs256, es256, eddsa };

/// The name in `alg`, which compares exactly.
std::optional<Algorithm> parse_algorithm(std::string_view name);
std::string_view algorithm_name(Algorithm algorithm);

/// The one algorithm for a key of OpenSSL's: RSA of 2,048 to 16,384 bits, P-256, Ed25519; nullopt for all else.
std::optional<Algorithm> algorithm_of(const evp_pkey_st* key);

/// A key with the one algorithm it may be used with (RFC 8725 section 3.1). Immutable. Thread: any.
class SignatureKey {
 public:
    virtual ~SignatureKey() = default;
    virtual Algorithm algorithm() const = 0;
    /// `signature` is the JWS signature's bytes. False for whatever is not this key's signature over `input`.
    virtual bool verify(std::string_view input, std::string_view signature) const = 0;
};

/// What makes signatures, with its one algorithm. Immutable. Thread: any.
class SigningKey {
 public:
    virtual ~SigningKey() = default;
    virtual Algorithm algorithm() const = 0;
    /// `kid` of what it signs; empty: none.
    virtual const std::string& key_id() const = 0;
    /// The JWS signature's bytes over `input`.
    virtual std::string sign(std::string_view input) const = 0;
};

/// HMAC with SHA-256. Keeps the keyed state, so that a token costs two passes over its text and no key set-up.
class HmacKey final : public SignatureKey, public SigningKey {
 public:
    /// Throws std::invalid_argument when `secret` has fewer than 32 bytes (RFC 7518 section 3.2). Wipes its copy.
    explicit HmacKey(std::string secret);
    ~HmacKey() override;
    HmacKey(const HmacKey&) = delete;
    HmacKey& operator=(const HmacKey&) = delete;

    Algorithm algorithm() const override { return Algorithm::hs256; }
    /// Compares in constant time.
    bool verify(std::string_view input, std::string_view signature) const override;
    /// None: a secret is no key that others could choose by name.
    const std::string& key_id() const override { return no_id_; }
    /// 32 bytes.
    std::string sign(std::string_view input) const override;

 private:
    struct State;
    std::unique_ptr<State> state_;
    std::string no_id_;
};

/// From a PEM public key (SubjectPublicKeyInfo): RSA of 2,048 to 16,384 bits, P-256 or Ed25519. Throws
/// std::invalid_argument for anything else.
std::unique_ptr<SignatureKey> make_key_from_pem(std::string_view pem);

/// From a JWK (RFC 7517, RFC 7518 section 6, RFC 8037 section 2). Null when it is for another use, another algorithm,
/// or broken. Symmetric keys are never taken: a published key set has no secrets.
std::unique_ptr<SignatureKey> make_key_from_jwk(const JoseObject& jwk);

}  // namespace carillon::token
