#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "token/jose_json.hpp"

namespace carillon::token {

/// The JWS algorithms accepted here (RFC 7518 section 3.1, RFC 8037 section 3.1). `none` is not among them.
enum class Algorithm { hs256, rs256, es256, eddsa };

/// The name in `alg`, which compares exactly.
std::optional<Algorithm> parse_algorithm(std::string_view name);

/// A key with the one algorithm it may be used with (RFC 8725 section 3.1). Immutable. Thread: any.
class SignatureKey {
 public:
    virtual ~SignatureKey() = default;
    virtual Algorithm algorithm() const = 0;
    /// `signature` is the JWS signature's bytes. False for whatever is not this key's signature over `input`.
    virtual bool verify(std::string_view input, std::string_view signature) const = 0;
};

/// HMAC with SHA-256. Keeps the keyed state, so that a token costs two passes over its text and no key set-up.
class HmacKey final : public SignatureKey {
 public:
    /// Throws std::invalid_argument when `secret` has fewer than 32 bytes (RFC 7518 section 3.2). Wipes its copy.
    explicit HmacKey(std::string secret);
    ~HmacKey() override;
    HmacKey(const HmacKey&) = delete;
    HmacKey& operator=(const HmacKey&) = delete;

    Algorithm algorithm() const override { return Algorithm::hs256; }
    /// Compares in constant time.
    bool verify(std::string_view input, std::string_view signature) const override;
    /// 32 bytes.
    std::string sign(std::string_view input) const;

 private:
    struct State;
    std::unique_ptr<State> state_;
};

/// From a PEM public key (SubjectPublicKeyInfo): RSA of 2,048 to 16,384 bits, P-256 or Ed25519. Throws
/// std::invalid_argument for anything else.
std::unique_ptr<SignatureKey> make_key_from_pem(std::string_view pem);

/// From a JWK (RFC 7517, RFC 7518 section 6, RFC 8037 section 2). Null when it is for another use, another algorithm,
/// or broken. Symmetric keys are never taken: a published key set has no secrets.
std::unique_ptr<SignatureKey> make_key_from_jwk(const JoseObject& jwk);

}  // namespace carillon::token
