#include "token/signing_key.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "token/forged_token.hpp"
#include "token/token.hpp"

namespace carillon::token {
namespace {

using namespace std::chrono_literals;

const base::TimePoint kNow{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23}};
const base::UserId kUser{base::Uuid::generate_v7(kNow)};
const std::vector<std::string> kPermissions{"notification:read"};

// RFC 8037 appendix A: the private key of A.1 as PKCS #8, its thumbprint in A.3, the signature of A.4.
constexpr const char* kRfc8037Pem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
constexpr const char* kRfc8037X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
constexpr const char* kRfc8037Thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
constexpr const char* kRfc8037Input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
constexpr const char* kRfc8037Signature =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

TEST(PrivateKey, NamesAndSignsAsThePublishedVectors) {
    const PrivateKey key{kRfc8037Pem};
    EXPECT_EQ(key.algorithm(), Algorithm::eddsa);
    EXPECT_EQ(key.key_id(), kRfc8037Thumbprint);
    EXPECT_EQ(base64url_encode(key.sign(kRfc8037Input)), kRfc8037Signature);
    EXPECT_EQ(key.public_jwk(), std::string{R"({"crv":"Ed25519","kty":"OKP","x":")"} + kRfc8037X + R"(","kid":")" +
                                    kRfc8037Thumbprint + R"(","use":"sig","alg":"EdDSA"})");
}

TEST(PrivateKey, SignsTokensThatItsPublishedHalfVerifies) {
    for (const ForgingKey& key : {ForgingKey::ed25519(), ForgingKey::ec("prime256v1"), ForgingKey::rsa(2048)}) {
        const std::string pem = key.private_pem();
        const auto signer = UserTokenSigner::with_private_key(pem, "carillon", "carillon");
        const auto published = make_jwks_verifier(public_jwk_set({pem}), {});
        const auto from_pem = make_public_key_verifier(key.public_pem(), {});
        for (int i = 0; i < 20; ++i) {  // r and s of ES256 begin with zeros now and then
            const std::string token = signer.sign(kUser, kPermissions, 1h, kNow + std::chrono::seconds{i});
            const auto claims = published->verify(token, kNow + 60s);
            ASSERT_TRUE(claims) << claims.error().message();
            EXPECT_EQ(claims->user_id, kUser);
            EXPECT_TRUE(from_pem->verify(token, kNow + 60s));
        }
    }
}

TEST(PrivateKey, IsRotatedByPublishingTheOldOneBesideTheNewOne) {
    const std::string old_pem = ForgingKey::ed25519().private_pem();
    const std::string new_pem = ForgingKey::ec("prime256v1").private_pem();
    const auto old_token = UserTokenSigner::with_private_key(old_pem, "carillon", "carillon").sign(kUser, {}, 1h, kNow);
    const auto new_token = UserTokenSigner::with_private_key(new_pem, "carillon", "carillon").sign(kUser, {}, 1h, kNow);
    const auto verifier = make_jwks_verifier(public_jwk_set({old_pem}), {});
    EXPECT_TRUE(verifier->verify(old_token, kNow));
    EXPECT_EQ(verifier->verify(new_token, kNow).error(), errc::unknown_key);
    verifier->replace_keys(public_jwk_set({new_pem, old_pem}));
    EXPECT_TRUE(verifier->verify(old_token, kNow));
    EXPECT_TRUE(verifier->verify(new_token, kNow));
    verifier->replace_keys(public_jwk_set({new_pem}));
    EXPECT_EQ(verifier->verify(old_token, kNow).error(), errc::unknown_key);
    EXPECT_TRUE(verifier->verify(new_token, kNow));
}

TEST(PrivateKey, RefusesWeakAndOtherKeysAndThoseUnderAPassphrase) {
    EXPECT_THROW(PrivateKey{ForgingKey::rsa(1024).private_pem()}, std::invalid_argument);
    EXPECT_THROW(PrivateKey{ForgingKey::ec("secp384r1").private_pem()}, std::invalid_argument);
    EXPECT_THROW(PrivateKey{ForgingKey::ec("secp256k1").private_pem()}, std::invalid_argument);
    EXPECT_THROW(PrivateKey{ForgingKey::ed25519().public_pem()}, std::invalid_argument);
    EXPECT_THROW(PrivateKey{ForgingKey::ed25519().private_pem("passphrase")}, std::invalid_argument);
    EXPECT_THROW(PrivateKey{""}, std::invalid_argument);
}

}  // namespace
}  // namespace carillon::token
