#include <gtest/gtest.h>

#include <thread>

#include "base/testing/fake_clock.hpp"
#include "token/forged_token.hpp"
#include "token/token.hpp"

namespace carillon::token {
namespace {

using namespace std::chrono_literals;

const std::string kSecret = "a secret of tests, 32 bytes long";
constexpr const char* kUser = "019abcde-0123-7000-8000-0123456789ab";
constexpr const char* kHeader = R"({"alg":"HS256","typ":"at+jwt"})";
const base::TimePoint kNow = base::FakeClock{}.now();

std::int64_t seconds(base::TimePoint time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

// Good claims, in which `name` has the JSON `value` instead, or is left out when `value` is empty.
std::string claims_with(std::string_view name = "", std::string value = "") {
    std::vector<std::pair<std::string, std::string>> members{
        {"iss", R"("carillon")"},
        {"aud", R"("carillon")"},
        {"sub", '"' + std::string{kUser} + '"'},
        {"iat", std::to_string(seconds(kNow))},
        {"exp", std::to_string(seconds(kNow) + 60)},
        {"permissions", R"(["notification:read"])"},
    };
    std::string json = "{";
    bool found = name.empty();
    for (const auto& [member, good] : members) {
        const bool chosen = member == name;
        found = found || chosen;
        if (chosen && value.empty()) continue;
        json += (json.size() > 1 ? ",\"" : "\"") + member + "\":" + (chosen ? value : good);
    }
    if (!found) json += ",\"" + std::string{name} + "\":" + value;
    return json + "}";
}

std::string forged(std::string_view claims = claims_with(), std::string_view header = kHeader) {
    return forge_hs256(kSecret, header, claims);
}

std::unique_ptr<UserTokenVerifier> verifier(UserTokenConfig config = {}) {
    return make_secret_verifier(kSecret, std::move(config));
}

TEST(UserTokens, RoundTrip) {
    const UserTokenSigner signer{kSecret, "carillon", "carillon"};
    const auto user = base::UserId::parse(kUser).value();
    const auto token = signer.sign(user, {"notification:read", "admin"}, 1h, kNow + 500ms);
    const auto claims = verifier()->verify(token, kNow + 500ms);
    ASSERT_TRUE(claims.has_value()) << claims.error().message();
    EXPECT_EQ(claims->user_id, user);
    EXPECT_EQ(claims->issued_at, kNow);
    EXPECT_EQ(claims->expires_at, kNow + 1h);
    EXPECT_TRUE(base::Uuid::parse(claims->token_id).has_value());
    EXPECT_TRUE(claims->may(permission::kRead));
    EXPECT_TRUE(claims->may(permission::kAdmin));
    EXPECT_FALSE(claims->may(permission::kCreate));
    EXPECT_NE(token, signer.sign(user, {"notification:read", "admin"}, 1h, kNow + 500ms)) << "jti is fresh";
}

TEST(UserTokens, ExpireExactlyAtExp) {
    const auto token = forged();
    EXPECT_TRUE(verifier()->verify(token, kNow + 60s - 1ms).has_value());
    EXPECT_EQ(verifier()->verify(token, kNow + 60s).error(), errc::expired);
    EXPECT_EQ(verifier()->verify(token, kNow + 1h).error(), errc::expired);
}

TEST(UserTokens, RefuseClaimsThatBreakTheRules) {
    const std::string now = std::to_string(seconds(kNow));
    const std::string ahead = std::to_string(seconds(kNow) + 6);
    std::string many = "[";
    for (int i = 0; i < 65; ++i) many += "\"p\",";
    many.back() = ']';
    const struct {
        const char* name;
        std::string value;
        errc expected;
    } cases[] = {
        {"iss", "", errc::missing_claim},
        {"iss", "7", errc::missing_claim},
        {"iss", R"("other")", errc::wrong_issuer},
        {"iss", R"("Carillon")", errc::wrong_issuer},
        {"aud", "", errc::missing_claim},
        {"aud", "null", errc::missing_claim},
        {"aud", "[]", errc::wrong_audience},
        {"aud", R"(["carillon",7])", errc::missing_claim},
        {"aud", R"(["a","b"])", errc::wrong_audience},
        {"aud", R"("carillon-internal")", errc::wrong_audience},
        {"sub", "", errc::missing_claim},
        {"sub", "12", errc::missing_claim},
        {"sub", R"("")", errc::bad_subject},
        {"sub", R"("joe")", errc::bad_subject},
        {"sub", R"("{019abcde-0123-7000-8000-0123456789ab}")", errc::bad_subject},
        {"exp", "", errc::missing_claim},
        {"exp", R"("2099-01-01")", errc::missing_claim},
        {"exp", "1e300", errc::missing_claim},
        {"exp", "18446744073709551615", errc::missing_claim},
        {"exp", "-1", errc::missing_claim},
        {"exp", "true", errc::missing_claim},
        {"exp", now, errc::expired},
        {"iat", R"("now")", errc::missing_claim},
        {"iat", ahead, errc::not_yet_valid},
        {"nbf", ahead, errc::not_yet_valid},
        {"nbf", "{}", errc::missing_claim},
        {"jti", "7", errc::missing_claim},
        {"permissions", R"("notification:read")", errc::missing_claim},
        {"permissions", "null", errc::missing_claim},
        {"permissions", R"([7])", errc::missing_claim},
        {"permissions", many, errc::missing_claim},
        {"permissions", "[\"" + std::string(129, 'p') + "\"]", errc::missing_claim},
    };
    for (const auto& test : cases) {
        const auto claims = verifier()->verify(forged(claims_with(test.name, test.value)), kNow);
        ASSERT_FALSE(claims.has_value()) << test.name << ": " << test.value;
        EXPECT_EQ(claims.error(), test.expected) << test.name << ": " << test.value << ": " << claims.error().message();
    }
}

TEST(UserTokens, TakeWhatTheRulesAllow) {
    const std::string within_leeway = std::to_string(seconds(kNow) + 5);
    const std::pair<const char*, std::string> cases[] = {
        {"aud", R"(["other","carillon"])"},
        {"sub", R"("00000000-0000-0000-0000-000000000000")"},
        {"sub", R"("F47AC10B-58CC-4372-A567-0E02B2C3D479")"},
        {"iat", ""},
        {"iat", within_leeway},
        {"nbf", within_leeway},
        {"exp", std::to_string(seconds(kNow)) + ".5"},
        {"jti", R"("any text")"},
        {"permissions", "[]"},
        {"https://example.com/role", R"({"a":[1,{"b":null}]})"},
    };
    for (const auto& [name, value] : cases) {
        const auto claims = verifier()->verify(forged(claims_with(name, value)), kNow);
        EXPECT_TRUE(claims.has_value()) << name << ": " << value << ": " << claims.error().message();
    }
}

TEST(UserTokens, UseTheDefaultPermissionsOnlyWhenTheClaimIsAbsent) {
    UserTokenConfig config;
    config.default_permissions = {"notification:read", "notification:update"};
    EXPECT_EQ(verifier(config)->verify(forged(claims_with("permissions", "")), kNow)->permissions,
              config.default_permissions);
    EXPECT_TRUE(verifier(config)->verify(forged(claims_with("permissions", "[]")), kNow)->permissions.empty());
}

TEST(UserTokens, RefuseHeadersThatBreakTheRules) {
    const std::pair<std::string, errc> cases[] = {
        {R"({"alg":"none","typ":"at+jwt"})", errc::algorithm_refused},
        {R"({"alg":"None","typ":"at+jwt"})", errc::algorithm_refused},
        {R"({"alg":"hs256","typ":"at+jwt"})", errc::algorithm_refused},
        {R"({"alg":"HS384","typ":"at+jwt"})", errc::algorithm_refused},
        {R"({"alg":"RS256","typ":"at+jwt"})", errc::algorithm_refused},
        {R"({"alg":["HS256"],"typ":"at+jwt"})", errc::algorithm_refused},
        {R"({"typ":"at+jwt"})", errc::algorithm_refused},
        {R"({"alg":"HS256"})", errc::wrong_type},
        {R"({"alg":"HS256","typ":""})", errc::wrong_type},
        {R"({"alg":"HS256","typ":"JWT"})", errc::wrong_type},
        {R"({"alg":"HS256","typ":"internal+jwt"})", errc::wrong_type},
        {R"({"alg":"HS256","typ":"application/application/at+jwt"})", errc::wrong_type},
        {R"({"alg":"HS256","typ":["at+jwt"]})", errc::malformed},
        {R"({"alg":"HS256","typ":"at+jwt","kid":7})", errc::malformed},
        {R"({"alg":"HS256","typ":"at+jwt","crit":["exp"],"exp":1})", errc::malformed},
        {R"({"alg":"HS256","typ":"at+jwt","crit":["b64"],"b64":false})", errc::malformed},
        {R"({"alg":"HS256","typ":"at+jwt","alg":"HS256"})", errc::malformed},
        {R"({"alg":"HS256","typ":"at+jwt","pad":")" + std::string(1000, 'x') + "\"}", errc::malformed},
        {"[]", errc::malformed},
        {"", errc::malformed},
    };
    for (const auto& [header, expected] : cases) {
        const auto claims = verifier()->verify(forged(claims_with(), header), kNow);
        ASSERT_FALSE(claims.has_value()) << header;
        EXPECT_EQ(claims.error(), expected) << header << ": " << claims.error().message();
    }
}

TEST(UserTokens, CompareTheTypeCaselesslyAndWithoutItsPrefix) {
    for (const char* type : {"at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"}) {
        const std::string header = R"({"alg":"HS256","typ":")" + std::string{type} + "\"}";
        EXPECT_TRUE(verifier()->verify(forged(claims_with(), header), kNow).has_value()) << type;
    }
    UserTokenConfig config;
    config.accepted_types = {"at+jwt", "application/JWT"};
    EXPECT_TRUE(verifier(config)->verify(forged(claims_with(), R"({"alg":"HS256","typ":"jwt"})"), kNow).has_value());
}

TEST(UserTokens, RefuseTextsThatAreNoToken) {
    const std::string good = forged();
    const auto first = good.find('.');
    const auto second = good.rfind('.');
    std::string spare_bits = good;  // 32 bytes end in a character with two unused bits
    spare_bits.back() = spare_bits.back() == 'B' ? 'D' : 'B';
    const std::vector<std::string> cases{
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        good + ".",
        good + ".x",
        good + "=",
        good + "\n",
        " " + good,
        good.substr(0, second),
        good.substr(first + 1),
        std::string(10'000'000, 'a'),
        std::string(100'000, '.'),
        spare_bits,
        good.substr(0, first) + "=" + good.substr(first),
        forged(claims_with("pad", '"' + std::string(6'000, 'x') + '"')),
        forged(claims_with() + claims_with()),
        forged("[]"),
        forged("{}x"),
        forged(R"({"sub":"a","sub":"b"})"),
    };
    for (const auto& token : cases) {
        const auto claims = verifier()->verify(token, kNow);
        ASSERT_FALSE(claims.has_value()) << token.substr(0, 100);
        EXPECT_EQ(claims.error(), errc::malformed) << token.substr(0, 100) << ": " << claims.error().message();
    }
}

TEST(UserTokens, RefuseWrongSignaturesBeforeReadingTheClaims) {
    const std::string good = forged();
    const std::string input = good.substr(0, good.rfind('.') + 1);
    EXPECT_EQ(verifier()->verify(input, kNow).error(), errc::bad_signature) << "empty";
    EXPECT_EQ(verifier()->verify(input + "AAAA", kNow).error(), errc::bad_signature) << "short";
    EXPECT_EQ(verifier()->verify(forge_hs256(std::string(32, 'x'), kHeader, claims_with()), kNow).error(),
              errc::bad_signature);
    EXPECT_EQ(verifier()->verify(forge_hs256(std::string(32, 'x'), kHeader, "no json"), kNow).error(),
              errc::bad_signature);
    const std::string other = forged(claims_with("sub", R"("f47ac10b-58cc-4372-a567-0e02b2c3d479")"));
    EXPECT_EQ(verifier()->verify(other.substr(0, other.rfind('.')) + good.substr(good.rfind('.')), kNow).error(),
              errc::bad_signature);
}

TEST(UserTokens, RefuseAPublicKeyUsedAsHmacSecret) {
    const auto key = ForgingKey::rsa(2048);
    const auto with_pem = make_public_key_verifier(key.public_pem(), {});
    EXPECT_EQ(with_pem->verify(forge_hs256(key.public_pem(), kHeader, claims_with()), kNow).error(),
              errc::algorithm_refused);
}

TEST(UserTokens, VerifyEachPublicKeyWithItsOwnAlgorithmOnly) {
    const std::pair<const char*, ForgingKey> keys[] = {
        {"RS256", ForgingKey::rsa(2048)}, {"ES256", ForgingKey::ec("prime256v1")}, {"EdDSA", ForgingKey::ed25519()}};
    for (const auto& [own, key] : keys) {
        const auto with_pem = make_public_key_verifier(key.public_pem(), {});
        for (const char* algorithm : {"RS256", "ES256", "EdDSA", "HS256", "PS256", "none"}) {
            const std::string header = R"({"alg":")" + std::string{algorithm} + R"(","typ":"at+jwt","kid":"any"})";
            const auto claims = with_pem->verify(key.forge(header, claims_with()), kNow);
            if (std::string_view{own} == algorithm) {
                EXPECT_TRUE(claims.has_value()) << own << ": " << claims.error().message();
            } else {
                ASSERT_FALSE(claims.has_value()) << own << " as " << algorithm;
                EXPECT_EQ(claims.error(), errc::algorithm_refused) << own << " as " << algorithm;
            }
        }
    }
}

std::string jwk(const ForgingKey& key, std::string_view id) {
    return R"({"kty":"OKP","crv":"Ed25519","x":")" + base64url_encode(key.raw_public_key()) + "\"" +
           (id.empty() ? "" : R"(,"kid":")" + std::string{id} + "\"") + "}";
}

std::string header_with_id(std::string_view id) {
    return R"({"alg":"EdDSA","typ":"at+jwt","kid":")" + std::string{id} + "\"}";
}

TEST(JwksVerifier, ChoosesTheKeyThatKidNames) {
    const auto a = ForgingKey::ed25519();
    const auto b = ForgingKey::ed25519();
    const auto keys =
        make_jwks_verifier("{\"keys\":[" + jwk(a, "a") + "," + jwk(b, "b") + ",{\"kty\":\"oct\"},7]}", {});
    EXPECT_TRUE(keys->verify(a.forge(header_with_id("a"), claims_with()), kNow).has_value());
    EXPECT_TRUE(keys->verify(b.forge(header_with_id("b"), claims_with()), kNow).has_value());
    EXPECT_EQ(keys->verify(b.forge(header_with_id("a"), claims_with()), kNow).error(), errc::bad_signature);
    for (const char* id : {"", "c", "A", "a' OR '1'='1", "../../dev/null", "a\\u0000", "http://127.0.0.1/keys"}) {
        EXPECT_EQ(keys->verify(a.forge(header_with_id(id), claims_with()), kNow).error(), errc::unknown_key) << id;
    }
    EXPECT_EQ(keys->verify(a.forge(R"({"alg":"EdDSA","typ":"at+jwt"})", claims_with()), kNow).error(),
              errc::unknown_key);
    EXPECT_EQ(keys->verify(a.forge(R"({"alg":"ES256","typ":"at+jwt","kid":"a"})", claims_with()), kNow).error(),
              errc::algorithm_refused);
}

TEST(JwksVerifier, NeedsNoKidWithOneKey) {
    const auto key = ForgingKey::ed25519();
    const auto keys = make_jwks_verifier("{\"keys\":[" + jwk(key, "a") + "]}", {});
    EXPECT_TRUE(keys->verify(key.forge(R"({"alg":"EdDSA","typ":"at+jwt"})", claims_with()), kNow).has_value());
}

TEST(JwksVerifier, IgnoresKeysThatTheTokenBrings) {
    const auto ours = ForgingKey::ed25519();
    const auto theirs = ForgingKey::ed25519();
    const auto keys = make_jwks_verifier("{\"keys\":[" + jwk(ours, "a") + "]}", {});
    const std::string header = R"({"alg":"EdDSA","typ":"at+jwt","kid":"a","jku":"http://127.0.0.1/","jwk":)" +
                               jwk(theirs, "a") + R"(,"x5u":"http://127.0.0.1/"})";
    EXPECT_EQ(keys->verify(theirs.forge(header, claims_with()), kNow).error(), errc::bad_signature);
    EXPECT_TRUE(keys->verify(ours.forge(header, claims_with()), kNow).has_value());
}

TEST(JwksVerifier, ReplacesItsKeysWhileInUse) {
    const auto a = ForgingKey::ed25519();
    const auto b = ForgingKey::ed25519();
    const auto keys = make_jwks_verifier("{\"keys\":[" + jwk(a, "k") + "]}", {});
    const auto token = b.forge(header_with_id("k"), claims_with());
    std::thread reader{[&] {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (!keys->verify(token, kNow) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    }};
    EXPECT_THROW(keys->replace_keys("{\"keys\":[]}"), std::invalid_argument);
    EXPECT_TRUE(keys->verify(a.forge(header_with_id("k"), claims_with()), kNow).has_value()) << "the old set stays";
    keys->replace_keys("{\"keys\":[" + jwk(b, "k") + "]}");
    reader.join();
    EXPECT_TRUE(keys->verify(token, kNow).has_value());
    EXPECT_EQ(keys->verify(a.forge(header_with_id("k"), claims_with()), kNow).error(), errc::bad_signature);
}

TEST(JwksVerifier, RefusesWhatIsNoKeySet) {
    for (const char* text : {"", "{}", "[]", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\"}]}"}) {
        EXPECT_THROW(make_jwks_verifier(text, {}), std::invalid_argument) << text;
    }
}

TEST(JwksVerifier, TakesNoMoreThan64Keys) {
    std::string keys;
    for (int i = 0; i < 65; ++i) keys += (i == 0 ? "" : ",") + jwk(ForgingKey::ed25519(), std::to_string(i));
    EXPECT_THROW(make_jwks_verifier("{\"keys\":[" + keys + "]}", {}), std::invalid_argument);
}

TEST(JwksVerifier, NeverTakesASecretFromAKeySetNorAPublicKeyAsOne) {
    const auto key = ForgingKey::ed25519();
    const std::string secret(32, 'k');
    const std::string published = jwk(key, "a");
    const auto keys = make_jwks_verifier("{\"keys\":[" + published + R"(,{"kty":"oct","kid":"s","alg":"HS256","k":")" +
                                             base64url_encode(secret) + "\"}]}",
                                         {});
    const auto with_id = [](const char* id) {
        return R"({"alg":"HS256","typ":"at+jwt","kid":")" + std::string{id} + "\"}";
    };
    EXPECT_EQ(keys->verify(forge_hs256(secret, with_id("s"), claims_with()), kNow).error(), errc::unknown_key);
    for (const std::string& known : {key.public_pem(), key.raw_public_key(), published}) {
        EXPECT_EQ(keys->verify(forge_hs256(known, with_id("a"), claims_with()), kNow).error(), errc::algorithm_refused);
    }
}

// RFC 8725 sections 2.8 and 3.10: what is inside is never taken for the token itself.
TEST(UserTokens, RefuseTokensWithinTokensAndEncryptedOnes) {
    const std::string inner = forged();
    const std::string nested = forge_hs256(kSecret, R"({"alg":"HS256","typ":"at+jwt","cty":"JWT"})", inner);
    EXPECT_EQ(verifier()->verify(nested, kNow).error(), errc::malformed);
    const std::string quoted = forge_hs256(kSecret, kHeader, '"' + inner + '"');
    EXPECT_EQ(verifier()->verify(quoted, kNow).error(), errc::malformed);
    const std::string jwe = base64url_encode(R"({"alg":"dir","enc":"A256GCM","typ":"at+jwt"})") + "..AAAA.AAAA.AAAA";
    EXPECT_EQ(verifier()->verify(jwe, kNow).error(), errc::malformed);
}

TEST(UserTokens, RefuseSettingsThatWouldMixThemWithInternalOnes) {
    for (const char* type : {"internal+jwt", "application/Internal+JWT", ""}) {
        UserTokenConfig config;
        config.accepted_types = {"at+jwt", type};
        EXPECT_THROW(verifier(config), std::invalid_argument) << type;
    }
    EXPECT_THROW(make_secret_verifier(std::string(31, 'x'), {}), std::invalid_argument);
}

TEST(BearerToken, IsFoundCaselesslyAndRefusedWhenThereIsMoreThanOneWord) {
    EXPECT_EQ(bearer_token("Bearer abc.def"), "abc.def");
    EXPECT_EQ(bearer_token("bEARER  abc"), "abc");
    for (const char* value : {"", "Bearer", "Bearer ", "Basic abc", "Bearerabc", "Bearer a b", "Bearer a, Bearer b"}) {
        EXPECT_EQ(bearer_token(value), "") << value;
    }
}

}  // namespace
}  // namespace carillon::token
