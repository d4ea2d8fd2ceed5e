#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "token/signature_key.hpp"

namespace carillon::token {

/// A private key with the one algorithm it signs with, and the public half as a JWK. Immutable. Thread: any.
class PrivateKey final : public SigningKey {
 public:
    /// From an unencrypted PEM private key: RSA of 2,048 to 16,384 bits (RS256), P-256 (ES256) or Ed25519 (EdDSA).
    /// Throws std::invalid_argument for anything else.
    explicit PrivateKey(std::string_view pem);
    ~PrivateKey() override;
    PrivateKey(const PrivateKey&) = delete;
    PrivateKey& operator=(const PrivateKey&) = delete;

    Algorithm algorithm() const override { return algorithm_; }
    /// The thumbprint of the public key (RFC 7638), so that whoever publishes it names it alike.
    const std::string& key_id() const override { return key_id_; }
    std::string sign(std::string_view input) const override;
    /// The public half (RFC 7517), with `kid`, `use` and `alg`.
    const std::string& public_jwk() const { return public_jwk_; }

 private:
    struct State;

    // Constant after construction.
    std::unique_ptr<State> state_;
    Algorithm algorithm_{};
    std::string key_id_;
    std::string public_jwk_;
};

}  // namespace carillon::token
