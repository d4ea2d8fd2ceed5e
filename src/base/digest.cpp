#include "base/digest.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace carillon::base {

Digest sha256(std::string_view bytes) {
    Digest digest{};
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error{"SHA-256 is not available"};
    }
    return digest;
}

}  // namespace carillon::base
