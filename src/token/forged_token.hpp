#pragma once

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "token/base64url.hpp"
#include "token/signature_key.hpp"

/// For this room's tests: tokens with any header and any claims, rightly or wrongly signed.
namespace carillon::token {

inline std::string unsigned_token(std::string_view header_json, std::string_view claims_json) {
    return base64url_encode(header_json) + "." + base64url_encode(claims_json);
}

inline std::string forge_hs256(std::string_view secret, std::string_view header_json, std::string_view claims_json) {
    const std::string input = unsigned_token(header_json, claims_json);
    return input + "." + base64url_encode(HmacKey{std::string{secret}}.sign(input));
}

/// A fresh private key, with its public half as PEM and its signatures as JWS wants them.
class ForgingKey {
 public:
    static ForgingKey rsa(std::size_t bits) { return ForgingKey{EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits)}; }
    static ForgingKey ec(const char* group) { return ForgingKey{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", group)}; }
    static ForgingKey ed25519() { return ForgingKey{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")}; }

    std::string public_pem() const {
        const std::unique_ptr<BIO, decltype(&BIO_free_all)> out{BIO_new(BIO_s_mem()), &BIO_free_all};
        PEM_write_bio_PUBKEY(out.get(), key_.get());
        char* data = nullptr;
        const long size = BIO_get_mem_data(out.get(), &data);
        return {data, static_cast<std::size_t>(size)};
    }

    /// PKCS #8, encrypted when there is a passphrase.
    std::string private_pem(const char* passphrase = nullptr) const {
        const std::unique_ptr<BIO, decltype(&BIO_free_all)> out{BIO_new(BIO_s_mem()), &BIO_free_all};
        PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), passphrase == nullptr ? nullptr : EVP_aes_256_cbc(),
                                      passphrase, passphrase == nullptr ? 0 : static_cast<int>(strlen(passphrase)),
                                      nullptr, nullptr);
        char* data = nullptr;
        const long size = BIO_get_mem_data(out.get(), &data);
        return {data, static_cast<std::size_t>(size)};
    }

    /// 32 raw bytes, of Ed25519 only.
    std::string raw_public_key() const {
        std::string raw(32, '\0');
        std::size_t size = raw.size();
        EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
        return raw;
    }

    std::string sign(std::string_view input) const {
        const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
        const bool edwards = EVP_PKEY_is_a(key_.get(), "ED25519") == 1;
        EVP_DigestSignInit(context.get(), nullptr, edwards ? nullptr : EVP_sha256(), nullptr, key_.get());
        const auto* data = reinterpret_cast<const unsigned char*>(input.data());
        std::size_t size = 0;
        EVP_DigestSign(context.get(), nullptr, &size, data, input.size());
        std::string signature(size, '\0');
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data, input.size());
        signature.resize(size);
        return EVP_PKEY_is_a(key_.get(), "EC") == 1 ? side_by_side(signature) : signature;
    }

    std::string forge(std::string_view header_json, std::string_view claims_json) const {
        const std::string input = unsigned_token(header_json, claims_json);
        return input + "." + base64url_encode(sign(input));
    }

 private:
    explicit ForgingKey(EVP_PKEY* key) : key_{key, &EVP_PKEY_free} {}

    static std::string side_by_side(const std::string& der) {
        const auto* at = reinterpret_cast<const unsigned char*>(der.data());
        const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair{
            d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())), &ECDSA_SIG_free};
        std::string out(64, '\0');
        auto* bytes = reinterpret_cast<unsigned char*>(out.data());
        BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), bytes, 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), bytes + 32, 32);
        return out;
    }

    std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace carillon::token
