#include "token/sealer.hpp"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>

#include <cassert>
#include <memory>
#include <stdexcept>

#include "base/ids.hpp"
#include "token/base64url.hpp"

namespace carillon::token {
namespace {

constexpr std::size_t kSecretBytesMin = 32;
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

struct KdfDeleter {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

void derive(std::string_view secret, std::string_view purpose, std::array<unsigned char, 32>& key) {
    const std::unique_ptr<EVP_KDF, KdfDeleter> kdf{EVP_KDF_fetch(nullptr, "HKDF", nullptr)};
    const std::unique_ptr<EVP_KDF_CTX, KdfDeleter> context{kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr};
    std::string digest = "SHA256";
    std::string material{secret};
    std::string info{purpose};
    const std::array<OSSL_PARAM, 4> parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), digest.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, material.data(), material.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()), OSSL_PARAM_construct_end()};
    const bool derived = context && EVP_KDF_derive(context.get(), key.data(), key.size(), parameters.data()) == 1;
    sodium_memzero(material.data(), material.size());
    if (!derived) throw std::runtime_error{"HKDF is not available"};
}

}  // namespace

Sealer::Sealer(std::string_view secret, std::string_view purpose) {
    if (secret.size() < kSecretBytesMin) throw std::invalid_argument{"a secret must have at least 32 bytes"};
    if (sodium_init() < 0) throw std::runtime_error{"libsodium is not available"};
    static_assert(sizeof key_ == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    derive(secret, purpose, key_);
}

Sealer::~Sealer() {
    sodium_memzero(key_.data(), key_.size());
}

std::string Sealer::seal(std::string_view plain) const {
    assert(plain.size() <= kPlainBytesMax);
    std::string sealed(kNonceBytes + plain.size() + kTagBytes, '\0');
    base::random_bytes(sealed.data(), kNonceBytes);
    unsigned char* const bytes = bytes_of(sealed);
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + kNonceBytes, nullptr, bytes_of(plain), plain.size(), nullptr, 0,
                                               nullptr, bytes, key_.data());
    return base64url_encode(sealed);
}

std::optional<std::string> Sealer::open(std::string_view sealed) const {
    constexpr std::size_t kAround = kNonceBytes + kTagBytes;
    if (sealed.size() > (kAround + kPlainBytesMax) * 4 / 3 + 1) return std::nullopt;
    const auto decoded = base64url_decode(sealed);
    if (!decoded || decoded->size() < kAround) return std::nullopt;
    std::string plain(decoded->size() - kAround, '\0');
    const unsigned char* const bytes = bytes_of(std::string_view{*decoded});
    const bool genuine =
        crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(plain), nullptr, nullptr, bytes + kNonceBytes,
                                                   decoded->size() - kNonceBytes, nullptr, 0, bytes, key_.data()) == 0;
    if (!genuine) return std::nullopt;
    return plain;
}

}  // namespace carillon::token
