#include "token/signature_key.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "token/base64url.hpp"
#include "token/release.hpp"

namespace carillon::token {
namespace {

constexpr std::size_t kSecretBytesMin = 32;
constexpr std::size_t kSha256Bytes = 32;
constexpr std::size_t kP256Bytes = 32;
constexpr std::size_t kEd25519SignatureBytes = 64;
constexpr int kRsaBitsMin = 2'048;
constexpr int kRsaBitsMax = 16'384;

using MacContext = std::unique_ptr<EVP_MAC_CTX, Release<&EVP_MAC_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Release<&EVP_MD_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Release<&EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Release<&EVP_PKEY_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Release<&BN_free>>;
using Ecdsa = std::unique_ptr<ECDSA_SIG, Release<&ECDSA_SIG_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Release<&OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Release<&OSSL_PARAM_free>>;

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

Number number(std::string_view big_endian) {
    return Number{BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr)};
}

/// JWS has r and s side by side (RFC 7518 section 3.4); OpenSSL wants DER. Empty when it is no such signature.
std::string es256_to_der(std::string_view signature) {
    if (signature.size() != 2 * kP256Bytes) return {};
    Number r = number(signature.substr(0, kP256Bytes));
    Number s = number(signature.substr(kP256Bytes));
    if (!r || !s || BN_is_zero(r.get()) || BN_is_zero(s.get())) return {};
    const Ecdsa pair{ECDSA_SIG_new()};
    if (!pair || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
    static_cast<void>(r.release());  // the pair owns them now
    static_cast<void>(s.release());
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair.get(), &der);
    if (size <= 0) return {};
    std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

/// RSA, P-256 and Ed25519, through the one EVP call that does all three.
class PublicKey final : public SignatureKey {
 public:
    PublicKey(Key key, Algorithm algorithm)
        : key_{std::move(key)},
          algorithm_{algorithm},
          rsa_bytes_{algorithm == Algorithm::rs256 ? static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())) : 0} {}

    Algorithm algorithm() const override { return algorithm_; }

    bool verify(std::string_view input, std::string_view signature) const override {
        std::string der;
        if (algorithm_ == Algorithm::es256) {
            der = es256_to_der(signature);
            if (der.empty()) return false;
            signature = der;
        } else if (signature.size() != (algorithm_ == Algorithm::rs256 ? rsa_bytes_ : kEd25519SignatureBytes)) {
            return false;
        }
        const DigestContext context{EVP_MD_CTX_new()};
        // Ed25519 hashes by itself.
        const EVP_MD* digest = algorithm_ == Algorithm::eddsa ? nullptr : EVP_sha256();
        const bool good =
            context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1 &&
            EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(input), input.size()) == 1;
        if (!good) ERR_clear_error();
        return good;
    }

 private:
    // Constant after construction.
    Key key_;
    Algorithm algorithm_;
    std::size_t rsa_bytes_;
};

std::unique_ptr<SignatureKey> classify(Key key) {
    const auto algorithm = algorithm_of(key.get());
    if (!algorithm) return nullptr;
    return std::make_unique<PublicKey>(std::move(key), *algorithm);
}

Key key_from_params(const char* type, OSSL_PARAM_BLD* builder) {
    const Params params{OSSL_PARAM_BLD_to_param(builder)};
    const KeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
    EVP_PKEY* made = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        return nullptr;
    }
    return Key{made};
}

std::optional<std::string> binary(const JoseObject& jwk, std::string_view name) {
    const std::string* text = jwk.text(name);
    return text == nullptr ? std::nullopt : base64url_decode(*text);
}

Key rsa_from_jwk(const JoseObject& jwk) {
    const auto n = binary(jwk, "n");
    const auto e = binary(jwk, "e");
    if (!n || !e || n->size() > kRsaBitsMax / 8 + 1 || e->size() > 8) return nullptr;
    const Number modulus = number(*n);
    const Number exponent = number(*e);
    // An exponent of 1 would make every text its own signature.
    if (!modulus || !exponent || BN_is_odd(exponent.get()) != 1 || BN_is_one(exponent.get())) return nullptr;
    const Builder builder{OSSL_PARAM_BLD_new()};
    if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
        return nullptr;
    }
    return key_from_params("RSA", builder.get());
}

Key p256_from_jwk(const JoseObject& jwk) {
    const std::string* curve = jwk.text("crv");
    const auto x = binary(jwk, "x");
    const auto y = binary(jwk, "y");
    if (curve == nullptr || *curve != "P-256" || !x || !y || x->size() != kP256Bytes || y->size() != kP256Bytes) {
        return nullptr;
    }
    const std::string point = "\x04" + *x + *y;  // uncompressed, SEC 1 section 2.3.3
    const Builder builder{OSSL_PARAM_BLD_new()};
    if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
        return nullptr;
    }
    return key_from_params("EC", builder.get());
}

Key ed25519_from_jwk(const JoseObject& jwk) {
    const std::string* curve = jwk.text("crv");
    const auto x = binary(jwk, "x");
    if (curve == nullptr || *curve != "Ed25519" || !x || x->size() != 32) return nullptr;
    return Key{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(*x), x->size())};
}

// `use` and `key_ops` (RFC 7517 sections 4.2 and 4.3), when there, must be for verifying signatures.
bool is_for_signatures(const JoseObject& jwk) {
    if (jwk.has("use")) {
        const std::string* use = jwk.text("use");
        if (use == nullptr || *use != "sig") return false;
    }
    if (const JoseValue* operations = jwk.find("key_ops")) {
        const auto* names = std::get_if<Texts>(operations);
        if (names == nullptr || std::find(names->begin(), names->end(), "verify") == names->end()) return false;
    }
    return true;
}

}  // namespace

std::optional<Algorithm> parse_algorithm(std::string_view name) {
    if (name == "HS256") return Algorithm::hs256;
    if (name == "RS256") return Algorithm::rs256;
    if (name == "ES256") return Algorithm::es256;
    if (name == "EdDSA") return Algorithm::eddsa;
    return std::nullopt;
}

std::string_view algorithm_name(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::hs256:
            return "HS256";
        case Algorithm::rs256:
            return "RS256";
        case Algorithm::es256:
            return "ES256";
        case Algorithm::eddsa:
            break;
    }
    return "EdDSA";
}

std::optional<Algorithm> algorithm_of(const evp_pkey_st* key) {
    if (key == nullptr) return std::nullopt;
    if (EVP_PKEY_is_a(key, "RSA") == 1) {
        const int bits = EVP_PKEY_get_bits(key);
        if (bits < kRsaBitsMin || bits > kRsaBitsMax) return std::nullopt;
        return Algorithm::rs256;
    }
    if (EVP_PKEY_is_a(key, "EC") == 1) {
        std::array<char, 64> group{};
        std::size_t size = 0;
        if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1) return std::nullopt;
        if (std::string_view(group.data(), size) != "prime256v1") return std::nullopt;
        return Algorithm::es256;
    }
    if (EVP_PKEY_is_a(key, "ED25519") == 1) return Algorithm::eddsa;
    return std::nullopt;
}

struct HmacKey::State {
    MacContext keyed;  // copied for each token, never used itself
};

HmacKey::HmacKey(std::string secret) : state_{std::make_unique<State>()} {
    if (secret.size() < kSecretBytesMin) {
        throw std::invalid_argument("a secret for HS256 must have at least 32 bytes");
    }
    std::unique_ptr<EVP_MAC, Release<&EVP_MAC_free>> hmac{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
    state_->keyed.reset(EVP_MAC_CTX_new(hmac.get()));
    std::array<char, 7> digest{"SHA256"};
    const std::array<OSSL_PARAM, 2> params{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                                           OSSL_PARAM_construct_end()};
    const bool ready =
        state_->keyed != nullptr && EVP_MAC_init(state_->keyed.get(), bytes(secret), secret.size(), params.data()) == 1;
    OPENSSL_cleanse(secret.data(), secret.size());
    if (!ready) throw std::runtime_error("OpenSSL has no HMAC with SHA-256");
}

HmacKey::~HmacKey() = default;

std::string HmacKey::sign(std::string_view input) const {
    const MacContext context{EVP_MAC_CTX_dup(state_->keyed.get())};
    std::string out(kSha256Bytes, '\0');
    std::size_t size = 0;
    if (!context || EVP_MAC_update(context.get(), bytes(input), input.size()) != 1 ||
        EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, out.size()) != 1 ||
        size != kSha256Bytes) {
        throw std::runtime_error("OpenSSL failed to compute an HMAC");
    }
    return out;
}

bool HmacKey::verify(std::string_view input, std::string_view signature) const {
    if (signature.size() != kSha256Bytes) return false;
    const std::string expected = sign(input);
    return CRYPTO_memcmp(expected.data(), signature.data(), kSha256Bytes) == 0;
}

std::unique_ptr<SignatureKey> make_key_from_pem(std::string_view pem) {
    const std::unique_ptr<BIO, Release<&BIO_free_all>> text{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    Key key{text ? PEM_read_bio_PUBKEY(text.get(), nullptr, nullptr, nullptr) : nullptr};
    ERR_clear_error();
    if (!key) throw std::invalid_argument("not a PEM public key (BEGIN PUBLIC KEY)");
    auto made = classify(std::move(key));
    if (!made) {
        throw std::invalid_argument("the public key must be RSA with at least 2,048 bits, P-256 or Ed25519");
    }
    return made;
}

std::unique_ptr<SignatureKey> make_key_from_jwk(const JoseObject& jwk) {
    const std::string* type = jwk.text("kty");
    if (type == nullptr || !is_for_signatures(jwk)) return nullptr;
    Key key;
    if (*type == "RSA") key = rsa_from_jwk(jwk);
    if (*type == "EC") key = p256_from_jwk(jwk);
    if (*type == "OKP") key = ed25519_from_jwk(jwk);
    ERR_clear_error();
    auto made = classify(std::move(key));
    if (made && jwk.has("alg")) {
        const std::string* name = jwk.text("alg");
        if (name == nullptr || parse_algorithm(*name) != made->algorithm()) return nullptr;
    }
    return made;
}

}  // namespace carillon::token
