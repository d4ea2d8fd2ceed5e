#include "token/signing_key.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <stdexcept>

#include "base/digest.hpp"
#include "token/base64url.hpp"
#include "token/release.hpp"

namespace carillon::token {
namespace {

constexpr std::size_t kCoordinateBytes = 32;  // of P-256 and Ed25519

using Key = std::unique_ptr<EVP_PKEY, Release<&EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Release<&EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Release<&BN_free>>;
using Ecdsa = std::unique_ptr<ECDSA_SIG, Release<&ECDSA_SIG_free>>;

/// A key under a passphrase is refused, not asked for.
int no_passphrase(char*, int, int, void*) {
    return 0;
}

Key read_pem(std::string_view pem) {
    const std::unique_ptr<BIO, Release<&BIO_free_all>> text{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    Key key{text ? PEM_read_bio_PrivateKey(text.get(), nullptr, &no_passphrase, nullptr) : nullptr};
    ERR_clear_error();
    if (!key) throw std::invalid_argument("not a PEM private key without a passphrase (BEGIN PRIVATE KEY)");
    return key;
}

/// A number of the key, base64url, as long as it is (RFC 7518 section 6.3) or padded to `size` bytes (6.2).
std::string number_of(const EVP_PKEY* key, const char* name, std::size_t size = 0) {
    BIGNUM* raw = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &raw) != 1)
        throw std::invalid_argument("a private key without its public half");
    const Number number{raw};
    std::string bytes(size == 0 ? static_cast<std::size_t>(BN_num_bytes(number.get())) : size, '\0');
    if (BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) <
        0) {
        throw std::invalid_argument("a private key that does not fit its curve");
    }
    return base64url_encode(bytes);
}

std::string edwards_point(const EVP_PKEY* key) {
    std::string raw(kCoordinateBytes, '\0');
    std::size_t size = raw.size();
    if (EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size) != 1) {
        throw std::invalid_argument("a private key without its public half");
    }
    return base64url_encode(raw);
}

/// The members that the thumbprint is made of, in its order (RFC 7638 section 3.2).
std::string required_members(const EVP_PKEY* key, Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::rs256:
            return R"("e":")" + number_of(key, OSSL_PKEY_PARAM_RSA_E) + R"(","kty":"RSA","n":")" +
                   number_of(key, OSSL_PKEY_PARAM_RSA_N) + "\"";
        case Algorithm::es256:
            return R"("crv":"P-256","kty":"EC","x":")" + number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, kCoordinateBytes) +
                   R"(","y":")" + number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinateBytes) + "\"";
        case Algorithm::eddsa:
        case Algorithm::hs256:
            break;
    }
    return R"("crv":"Ed25519","kty":"OKP","x":")" + edwards_point(key) + "\"";
}

std::string thumbprint(const std::string& members) {
    const base::Digest digest = base::sha256("{" + members + "}");
    return base64url_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

/// OpenSSL signs in DER; JWS has r and s side by side (RFC 7518 section 3.4).
std::string side_by_side(const std::string& der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const Ecdsa pair{d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()))};
    std::string out(2 * kCoordinateBytes, '\0');
    auto* bytes = reinterpret_cast<unsigned char*>(out.data());
    const auto size = static_cast<int>(kCoordinateBytes);
    if (!pair || BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), bytes, size) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), bytes + kCoordinateBytes, size) < 0) {
        throw std::runtime_error("OpenSSL made no ES256 signature");
    }
    return out;
}

}  // namespace

struct PrivateKey::State {
    Key key;
};

PrivateKey::PrivateKey(std::string_view pem) : state_{std::make_unique<State>(State{read_pem(pem)})} {
    const auto algorithm = algorithm_of(state_->key.get());
    if (!algorithm) {
        throw std::invalid_argument("the private key must be RSA with at least 2,048 bits, P-256 or Ed25519");
    }
    algorithm_ = *algorithm;
    const std::string members = required_members(state_->key.get(), algorithm_);
    key_id_ = thumbprint(members);
    public_jwk_ = "{" + members + R"(,"kid":")" + key_id_ + R"(","use":"sig","alg":")" +
                  std::string{algorithm_name(algorithm_)} + "\"}";
}

PrivateKey::~PrivateKey() = default;

std::string PrivateKey::sign(std::string_view input) const {
    const DigestContext context{EVP_MD_CTX_new()};
    const EVP_MD* digest = algorithm_ == Algorithm::eddsa ? nullptr : EVP_sha256();  // Ed25519 hashes by itself
    const auto* data = reinterpret_cast<const unsigned char*>(input.data());
    std::size_t size = 0;
    std::string signature;
    bool good = context && EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, state_->key.get()) == 1 &&
                EVP_DigestSign(context.get(), nullptr, &size, data, input.size()) == 1;
    if (good) {
        signature.resize(size);
        auto* out = reinterpret_cast<unsigned char*>(signature.data());
        good = EVP_DigestSign(context.get(), out, &size, data, input.size()) == 1;
    }
    if (!good) throw std::runtime_error("OpenSSL failed to sign");
    signature.resize(size);
    return algorithm_ == Algorithm::es256 ? side_by_side(signature) : signature;
}

}  // namespace carillon::token
