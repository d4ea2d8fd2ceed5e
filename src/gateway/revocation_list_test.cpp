#include "gateway/revocation_list.hpp"

#include <gtest/gtest.h>

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;

const base::TimePoint kNow{std::chrono::sys_days{std::chrono::year{2026} / 11 / 25}};
const base::UserId kUser{base::Uuid::generate_v7(kNow)};
const base::UserId kOther{base::Uuid::generate_v7(kNow)};
const std::string kSecret(32, 's');

contracts::Revocation before(base::TimePoint time, base::TimePoint expires_at = kNow + 1h) {
    return {kUser, std::nullopt, time, kNow, expires_at};
}

TokenMark mark(const char* id, base::TimePoint issued_at) {
    token::UserClaims claims;
    claims.token_id = id;
    claims.issued_at = issued_at;
    return TokenMark::of(claims);
}

TEST(RevocationList, RefusesOneTokenOrThoseIssuedBefore) {
    RevocationList list;
    EXPECT_FALSE(list.refuses(kUser, mark("a", kNow)));
    EXPECT_TRUE(list.add({kUser, "a", kNow, kNow, kNow + 1h}, kNow));
    EXPECT_TRUE(list.refuses(kUser, mark("a", kNow + 10min)));
    EXPECT_FALSE(list.refuses(kUser, mark("b", kNow - 1h)));
    EXPECT_FALSE(list.refuses(kOther, mark("a", kNow)));
    EXPECT_TRUE(list.add(before(kNow), kNow));
    EXPECT_TRUE(list.refuses(kUser, mark("b", kNow - 1s)));
    EXPECT_TRUE(list.refuses(kUser, mark("", {}))) << "a token without iat was issued before everything";
    EXPECT_FALSE(list.refuses(kUser, mark("b", kNow)));
}

TEST(RevocationList, TakesEachOnceAndAnEarlierTimeNeverBack) {
    RevocationList list;
    EXPECT_TRUE(list.add(before(kNow), kNow));
    EXPECT_FALSE(list.add(before(kNow), kNow));
    EXPECT_FALSE(list.add(before(kNow - 1h), kNow));
    EXPECT_TRUE(list.refuses(kUser, mark("b", kNow - 1s)));
    EXPECT_TRUE(list.add(before(kNow + 1s), kNow));
    EXPECT_TRUE(list.refuses(kUser, mark("b", kNow)));
}

TEST(RevocationList, ForgetsWhatHasExpiredAndTakesNoSuch) {
    RevocationList list;
    EXPECT_FALSE(list.add(before(kNow, kNow), kNow));
    EXPECT_EQ(list.size(), 0U);
    list.add(before(kNow), kNow);
    list.add({kUser, "a", kNow, kNow, kNow + 2h}, kNow);
    list.add({kOther, "a", kNow, kNow, kNow + 1h}, kNow);
    list.forget_expired(kNow + 1h);
    EXPECT_EQ(list.size(), 1U);
    EXPECT_TRUE(list.refuses(kUser, mark("a", kNow)));
    EXPECT_FALSE(list.refuses(kUser, mark("b", kNow - 1s)));
    list.forget_expired(kNow + 2h);
    EXPECT_EQ(list.size(), 0U);
}

TEST(RevocationVerifier, RefusesARevokedTokenAndNoOther) {
    const token::UserTokenSigner signer{kSecret, "carillon", "carillon"};
    const auto verifier = token::make_secret_verifier(kSecret, {});
    RevocationList list;
    const RevocationVerifier checked{*verifier, list};
    const std::string token = signer.sign(kUser, {}, 1h, kNow);
    EXPECT_TRUE(checked.verify(token, kNow));
    list.add(before(kNow + 1s), kNow);
    EXPECT_EQ(checked.verify(token, kNow).error(), token::errc::revoked);
    EXPECT_EQ(checked.verify("nonsense", kNow).error(), token::errc::malformed);
    EXPECT_TRUE(checked.verify(signer.sign(kOther, {}, 1h, kNow), kNow));
    EXPECT_TRUE(checked.verify(signer.sign(kUser, {}, 1h, kNow + 1s), kNow));
}

}  // namespace
}  // namespace carillon::gateway
