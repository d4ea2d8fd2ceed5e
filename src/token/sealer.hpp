#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace carillon::token {

/// Gives clients something to keep that they can neither read nor change: XChaCha20-Poly1305, each time with a random
/// nonce of 192 bits, under a key of its own made from a secret by HKDF-SHA256 (RFC 5869). Whoever has the secret opens
/// what others sealed for the same purpose. Immutable. Thread: any.
class Sealer {
 public:
    static constexpr std::size_t kPlainBytesMax = 512;

    /// `purpose` keeps apart what is sealed for different things. Throws std::invalid_argument when `secret` has fewer
    /// than 32 bytes.
    Sealer(std::string_view secret, std::string_view purpose);
    ~Sealer();
    Sealer(const Sealer&) = delete;
    Sealer& operator=(const Sealer&) = delete;

    /// base64url without padding. At most `kPlainBytesMax` bytes.
    std::string seal(std::string_view plain) const;
    /// Nothing for what was not sealed with this secret and purpose, or was changed.
    std::optional<std::string> open(std::string_view sealed) const;

 private:
    std::array<unsigned char, 32> key_{};
};

}  // namespace carillon::token
