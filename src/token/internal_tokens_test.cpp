#include <gtest/gtest.h>

#include "base/testing/fake_clock.hpp"
#include "token/forged_token.hpp"
#include "token/token.hpp"

namespace carillon::token {
namespace {

using namespace std::chrono_literals;

const std::string kSecret = "one secret for both kinds, on purpose";
const base::TimePoint kNow = base::FakeClock{}.now();
constexpr const char* kHeader = R"({"alg":"HS256","typ":"internal+jwt"})";

std::string claims(std::int64_t issued_in, std::int64_t expires_in, std::string_view subject = R"("gateway")",
                   std::string_view audience = "carillon-internal") {
    const auto now = std::chrono::floor<std::chrono::seconds>(kNow).time_since_epoch().count();
    return R"({"iss":"carillon","aud":")" + std::string{audience} + R"(","iat":)" + std::to_string(now + issued_in) +
           R"(,"exp":)" + std::to_string(now + expires_in) + R"(,"sub":)" + std::string{subject} + "}";
}

TEST(InternalTokens, RoundTripAndLastAMinute) {
    const InternalTokens tokens{kSecret};
    const auto token = tokens.sign("gateway", kNow);
    EXPECT_EQ(tokens.verify(token, kNow).value(), "gateway");
    EXPECT_EQ(tokens.verify(token, kNow - 5s).value(), "gateway") << "our clock is a little behind";
    EXPECT_EQ(tokens.verify(token, kNow + 59s).value(), "gateway");
    EXPECT_EQ(tokens.verify(token, kNow + 60s).error(), errc::expired);
    EXPECT_EQ(tokens.verify(token, kNow - 6s).error(), errc::not_yet_valid);
    EXPECT_EQ(InternalTokens{std::string(32, 'x')}.verify(token, kNow).error(), errc::bad_signature);
    EXPECT_THROW(InternalTokens{"short"}, std::invalid_argument);
}

TEST(InternalTokens, RefuseWhatBreaksTheirRules) {
    const InternalTokens tokens{kSecret};
    const struct {
        const char* why;
        std::string token;
        errc expected;
    } cases[] = {
        {"61 s", forge_hs256(kSecret, kHeader, claims(0, 61)), errc::lifetime_too_long},
        {"an old one that lives on", forge_hs256(kSecret, kHeader, claims(-100, 10)), errc::lifetime_too_long},
        {"typ at+jwt", forge_hs256(kSecret, R"({"alg":"HS256","typ":"at+jwt"})", claims(0, 60)), errc::wrong_type},
        {"no typ", forge_hs256(kSecret, R"({"alg":"HS256"})", claims(0, 60)), errc::wrong_type},
        {"alg none", unsigned_token(R"({"alg":"none","typ":"internal+jwt"})", claims(0, 60)) + ".",
         errc::algorithm_refused},
        {"alg RS256", forge_hs256(kSecret, R"({"alg":"RS256","typ":"internal+jwt"})", claims(0, 60)),
         errc::algorithm_refused},
        {"a user's audience", forge_hs256(kSecret, kHeader, claims(0, 60, R"("gateway")", "carillon")),
         errc::wrong_audience},
        {"no subject", forge_hs256(kSecret, kHeader, claims(0, 60, R"("")")), errc::bad_subject},
        {"a number as subject", forge_hs256(kSecret, kHeader, claims(0, 60, "1")), errc::missing_claim},
        {"no iat",
         forge_hs256(kSecret, kHeader, R"({"iss":"carillon","aud":"carillon-internal","sub":"a","exp":253402300799})"),
         errc::missing_claim},
    };
    for (const auto& test : cases) {
        const auto service = tokens.verify(test.token, kNow);
        ASSERT_FALSE(service.has_value()) << test.why;
        EXPECT_EQ(service.error(), test.expected) << test.why << ": " << service.error().message();
    }
    EXPECT_TRUE(tokens.verify(forge_hs256(kSecret, kHeader, claims(0, 60)), kNow).has_value()) << "the cases can pass";
}

TEST(InternalTokens, AreNeverUserTokensNorTheReverseEvenWithOneSecretAndAudience) {
    UserTokenConfig config;
    config.audience = "carillon-internal";
    config.accepted_types = {"at+jwt", "JWT"};
    const auto users = make_secret_verifier(kSecret, config);
    const InternalTokens internal{kSecret};
    const auto user_id = base::UserId::parse("019abcde-0123-7000-8000-0123456789ab").value();

    EXPECT_EQ(users->verify(internal.sign(user_id.to_string(), kNow), kNow).error(), errc::wrong_type);
    const auto user_token = UserTokenSigner{kSecret, "carillon", "carillon-internal"}.sign(user_id, {}, 60s, kNow);
    ASSERT_TRUE(users->verify(user_token, kNow).has_value());
    EXPECT_EQ(internal.verify(user_token, kNow).error(), errc::wrong_type);
}

}  // namespace
}  // namespace carillon::token
