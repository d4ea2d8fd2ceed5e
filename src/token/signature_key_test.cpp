#include "token/signature_key.hpp"

#include <gtest/gtest.h>

#include "token/base64url.hpp"
#include "token/forged_token.hpp"

namespace carillon::token {
namespace {

// The payload of the examples in RFC 7515 appendix A.1 to A.3.
constexpr const char* kPayload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

struct Vector {
    const char* source;
    std::string header;
    std::string payload;
    std::string signature;
    std::string jwk;
    Algorithm algorithm;
};

std::vector<Vector> published_vectors() {
    return {
        {"RFC 7515 A.2", "eyJhbGciOiJSUzI1NiJ9", kPayload,
         "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUA"
         "r7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO-"
         "-"
         "xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
         "Io"
         "ypGlUPQGe77Rw",
         R"({"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ)"
         R"(PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdb)"
         R"(BYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_)"
         R"(h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"})",
         Algorithm::rs256},
        {"RFC 7515 A.3", "eyJhbGciOiJFUzI1NiJ9", kPayload,
         "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
         R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
         R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
         Algorithm::es256},
        {"RFC 8037 A.4", "eyJhbGciOiJFZERTQSJ9", "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
         "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
         R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})", Algorithm::eddsa},
    };
}

TEST(SignatureKey, VerifiesThePublishedVectors) {
    for (const Vector& vector : published_vectors()) {
        const auto key = make_key_from_jwk(parse_jose_object(vector.jwk).value());
        ASSERT_NE(key, nullptr) << vector.source;
        EXPECT_EQ(key->algorithm(), vector.algorithm) << vector.source;
        const std::string input = vector.header + "." + vector.payload;
        std::string signature = base64url_decode(vector.signature).value();
        EXPECT_TRUE(key->verify(input, signature)) << vector.source;
        EXPECT_FALSE(key->verify(input + "A", signature)) << vector.source;
        signature[3] = static_cast<char>(signature[3] ^ 1);
        EXPECT_FALSE(key->verify(input, signature)) << vector.source;
        EXPECT_FALSE(key->verify(input, signature.substr(1))) << vector.source;
        EXPECT_FALSE(key->verify(input, signature + "x")) << vector.source;
        EXPECT_FALSE(key->verify(input, "")) << vector.source;
    }
}

TEST(SignatureKey, ComputesThePublishedHmac) {
    // RFC 7515 appendix A.1
    const HmacKey key{
        base64url_decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1"
                         "Z9CAow")
            .value()};
    const std::string input = std::string{"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."} + kPayload;
    EXPECT_EQ(base64url_encode(key.sign(input)), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    EXPECT_TRUE(key.verify(input, key.sign(input)));
    EXPECT_FALSE(key.verify(input, key.sign(input).substr(0, 31)));
    EXPECT_FALSE(key.verify(input, ""));
}

TEST(SignatureKey, RefusesAnEs256SignatureOfWrongLengthOrZero) {
    const auto forger = ForgingKey::ec("prime256v1");
    const auto key = make_key_from_pem(forger.public_pem());
    const std::string good = forger.sign("text");
    ASSERT_TRUE(key->verify("text", good));
    const std::string zero(32, '\0');
    const std::string order = base64url_decode("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE").value();
    for (const std::string& bad :
         {zero + zero, zero + good.substr(32), good.substr(0, 32) + zero, good.substr(0, 63), good + std::string(1, 0),
          good.substr(0, 32), order + order, std::string(64, '\xff'), good.substr(32) + good.substr(0, 32)}) {
        EXPECT_FALSE(key->verify("text", bad)) << base64url_encode(bad);
    }
}

TEST(SignatureKey, RefusesPemKeysThatAreNotOneOfTheThree) {
    EXPECT_NO_THROW(make_key_from_pem(ForgingKey::rsa(2048).public_pem()));
    EXPECT_NO_THROW(make_key_from_pem(ForgingKey::ed25519().public_pem()));
    EXPECT_THROW(make_key_from_pem(ForgingKey::rsa(1024).public_pem()), std::invalid_argument);
    EXPECT_THROW(make_key_from_pem(ForgingKey::ec("secp384r1").public_pem()), std::invalid_argument);
    EXPECT_THROW(make_key_from_pem(ForgingKey::ec("secp256k1").public_pem()), std::invalid_argument);
    for (const char* text : {"", "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}) {
        EXPECT_THROW(make_key_from_pem(text), std::invalid_argument) << text;
    }
}

TEST(SignatureKey, LeavesOutJwksThatAreNotForVerifyingHere) {
    const std::string ed = R"("kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")";
    const auto taken = [](const std::string& json) {
        return make_key_from_jwk(parse_jose_object(json).value()) != nullptr;
    };
    EXPECT_TRUE(taken("{" + ed + "}"));
    EXPECT_TRUE(taken("{" + ed + R"(,"use":"sig","alg":"EdDSA","key_ops":["verify"],"kid":"1","x5c":["AA"]})"));
    for (const char* more : {R"("use":"enc")", R"("use":1)", R"("alg":"HS256")", R"("alg":"none")", R"("alg":7)",
                             R"("key_ops":["sign"])", R"("key_ops":"verify")"}) {
        EXPECT_FALSE(taken("{" + ed + "," + more + "}")) << more;
    }
    for (const char* key : {
             R"({"crv":"Ed25519"})",
             R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T","alg":"HS256"})",
             R"({"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
             R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg"})",
             R"({"kty":"OKP","crv":"Ed25519"})",
             R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})",
             // not on the curve
             R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
             R"("y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})",
             R"({"kty":"RSA","n":"AQAB","e":"AQAB"})",
             R"({"kty":"RSA","n":"!","e":"AQAB"})",
         }) {
        EXPECT_FALSE(taken(key)) << key;
    }
}

TEST(SignatureKey, RefusesAnRsaKeyWhoseExponentIsOne) {
    auto vector = published_vectors().front();
    vector.jwk.replace(vector.jwk.find("AQAB"), 4, "AQ");
    EXPECT_EQ(make_key_from_jwk(parse_jose_object(vector.jwk).value()), nullptr);
}

TEST(HmacKey, RefusesAShortSecret) {
    EXPECT_THROW(HmacKey{std::string(31, 'x')}, std::invalid_argument);
    EXPECT_NO_THROW(HmacKey{std::string(32, 'x')});
}

}  // namespace
}  // namespace carillon::token
