#include <gmock/gmock.h>

#include <set>

#include "auth/auth_fixture.hpp"
#include "auth/refresh_cookie.hpp"

namespace carillon::auth {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

const Client kClient{"192.0.2.1", ""};

template <class T>
T good(AuthResult<T> result) {
    if (!result) throw std::runtime_error{result.error().code.message()};
    return std::move(*result);
}

class SessionsTest : public AuthFixture {
 protected:
    LoggedIn registered(const std::string& email = "ada@example.org") {
        return good(run(service->register_user({email, kPassword, std::nullopt}, kClient)));
    }
    AuthResult<LoggedIn> refresh(const std::string& token) { return run(service->refresh(token, kClient)); }
    errc refresh_error(const std::string& token) {
        const auto result = refresh(token);
        EXPECT_FALSE(result);
        return result ? errc::unavailable : static_cast<errc>(result.error().code.value());
    }
    errc me_error(const std::string& access_token) {
        const auto result = run(service->me("Bearer " + access_token));
        EXPECT_FALSE(result);
        return result ? errc::unavailable : static_cast<errc>(result.error().code.value());
    }
    AuthResult<store::RevocationStore::Added> revoke(base::UserId user, contracts::RevokeRequest request = {},
                                                     const std::string& key = "") {
        return run(service->revoke(user, std::move(request), {"an administrator", key, ""}));
    }

    std::unique_ptr<AuthService> service = make_service();
};

TEST_F(SessionsTest, EachUseGivesATokenAndAnotherRefreshToken) {
    LoggedIn last = registered();
    std::set<std::string> seen{last.refresh_token};
    for (int i = 0; i < 30; ++i) {
        clock.advance(1min);
        const auto next = refresh(last.refresh_token);
        ASSERT_TRUE(next);
        EXPECT_EQ(next->user.id, last.user.id);
        EXPECT_TRUE(run(service->me("Bearer " + next->access_token)));
        EXPECT_TRUE(seen.insert(next->refresh_token).second);
        last = *next;
    }
}

TEST_F(SessionsTest, AReplacedTokenThatComesAgainEndsTheSession) {
    const auto first = registered();
    const auto second = good(refresh(first.refresh_token));
    clock.advance(kRefreshGrace + 1s);
    EXPECT_EQ(refresh_error(first.refresh_token), errc::token_invalid);
    EXPECT_EQ(refresh_error(second.refresh_token), errc::token_invalid);
}

TEST_F(SessionsTest, AnOldTokenEndsTheSessionHoweverOldItIs) {
    const auto first = registered();
    LoggedIn last = first;
    for (int i = 0; i < 20; ++i) {
        clock.advance(1min);
        last = good(refresh(last.refresh_token));
    }
    EXPECT_EQ(refresh_error(first.refresh_token), errc::token_invalid);
    EXPECT_EQ(refresh_error(last.refresh_token), errc::token_invalid);
}

TEST_F(SessionsTest, TwoTabsAtOnceAreBothLoggedInWithOneCookie) {
    const auto first = registered();
    const auto one = good(refresh(first.refresh_token));
    clock.advance(kRefreshGrace);
    const auto other = good(refresh(first.refresh_token));
    EXPECT_EQ(one.refresh_token, other.refresh_token);
    EXPECT_TRUE(run(service->me("Bearer " + other.access_token)));
    EXPECT_TRUE(refresh(one.refresh_token));
}

TEST_F(SessionsTest, ManyTabsAtOnceAreAllLoggedIn) {
    const auto first = registered();
    std::vector<std::future<AuthResult<LoggedIn>>> tabs;
    for (int i = 0; i < 16; ++i) tabs.push_back(start_on(loop, service->refresh(first.refresh_token, kClient)));
    std::set<std::string> cookies;
    for (auto& tab : tabs) cookies.insert(good(tab.get()).refresh_token);
    EXPECT_EQ(cookies.size(), 1U);
    // And when they do not come quite at once.
    const auto second = good(refresh(*cookies.begin()));
    const auto third = good(refresh(second.refresh_token));
    EXPECT_EQ(good(refresh(first.refresh_token)).refresh_token, third.refresh_token);
}

TEST_F(SessionsTest, RefreshingDoesNotLengthenASession) {
    auto config = cheap_config();
    config.session_lifetime = 1h;
    service = make_service(config);
    LoggedIn last = registered();
    EXPECT_EQ(last.refresh_lifetime, 1h);
    clock.advance(59min);
    last = good(refresh(last.refresh_token));
    EXPECT_EQ(last.refresh_lifetime, 1min);
    clock.advance(1min);
    EXPECT_EQ(refresh_error(last.refresh_token), errc::token_expired);
}

TEST_F(SessionsTest, LiveOnWhenTheServiceStartsAgainAndInItsOtherInstances) {
    const auto first = registered();
    service = make_service();
    const auto second = good(refresh(first.refresh_token));
    const auto other_instance = make_service();
    EXPECT_EQ(good(run(other_instance->refresh(first.refresh_token, kClient))).refresh_token, second.refresh_token);
}

TEST_F(SessionsTest, AUserHasSoManyAndTheOldestGo) {
    auto config = cheap_config();
    config.sessions_per_user = 2;
    service = make_service(config);
    const auto first = registered();
    std::vector<LoggedIn> more;
    for (int i = 0; i < 2; ++i) {
        clock.advance(1s);
        more.push_back(good(run(service->log_in({"ada@example.org", kPassword}, kClient))));
    }
    EXPECT_EQ(refresh_error(first.refresh_token), errc::token_invalid);
    for (const auto& one : more) EXPECT_TRUE(refresh(one.refresh_token));
}

TEST_F(SessionsTest, LoggingOutEndsTheSessionByAnyOfItsTokens) {
    const auto first = registered();
    const auto second = good(refresh(first.refresh_token));
    EXPECT_TRUE(run(service->log_out(first.refresh_token)));
    EXPECT_EQ(refresh_error(second.refresh_token), errc::token_invalid);
    EXPECT_TRUE(run(service->log_out(second.refresh_token)));
    EXPECT_TRUE(run(service->log_out("nonsense")));
}

TEST_F(SessionsTest, RefuseWhatIsNoTokenOfOursAndLimitTheGuesses) {
    EXPECT_EQ(refresh_error(""), errc::token_absent);
    auto guess = RefreshToken::parse(registered().refresh_token).value();
    guess.session = store::SessionId{base::Uuid::generate_v7(clock.now())};
    for (std::size_t i = 0; i < AuthConfig{}.failed_refreshes_per_client; ++i) {
        EXPECT_EQ(refresh_error(i % 2 == 0 ? guess.text() : "x" + guess.text()), errc::token_invalid);
    }
    EXPECT_EQ(refresh_error(guess.text()), errc::rate_limited);
    const auto other = registered("bo@example.org");
    EXPECT_EQ(refresh_error(other.refresh_token), errc::rate_limited);
    EXPECT_TRUE(run(service->refresh(other.refresh_token, {"192.0.2.2", ""})));
}

TEST_F(SessionsTest, NoRefreshTokenIsKeptAsItIs) {
    const auto first = registered();
    const auto second = good(refresh(first.refresh_token));
    for (const auto& token : {first, second}) {
        const auto parsed = RefreshToken::parse(token.refresh_token).value();
        const auto session = run(sessions.find(parsed.session)).value();
        const std::string kept{reinterpret_cast<const char*>(session.current.data()), session.current.size()};
        EXPECT_THAT(kept, Not(HasSubstr(parsed.secret)));
        EXPECT_EQ(session.current, RefreshToken::parse(second.refresh_token)->hash());
    }
}

TEST_F(SessionsTest, ErasingAnAccountEndsItsSessions) {
    const auto first = registered();
    ASSERT_TRUE(good(run(service->erase_account(first.user.id))));
    EXPECT_EQ(refresh_error(first.refresh_token), errc::token_invalid);
}

TEST_F(SessionsTest, RevokingAUserEndsEverythingUpToNowAndTheNextLogInIsGoodAtOnce) {
    const auto first = registered();
    const auto revoked = revoke(first.user.id);
    ASSERT_TRUE(revoked);
    EXPECT_EQ(me_error(first.access_token), errc::token_invalid);
    EXPECT_EQ(refresh_error(first.refresh_token), errc::token_invalid);
    const auto again = good(run(service->log_in({"ada@example.org", kPassword}, kClient)));
    EXPECT_TRUE(run(service->me("Bearer " + again.access_token)));
}

TEST_F(SessionsTest, RevokingOneTokenLeavesTheOthers) {
    const auto first = registered();
    clock.advance(2s);
    const auto second = good(refresh(first.refresh_token));
    const auto claims = verifier->verify(first.access_token, clock.now()).value();
    ASSERT_TRUE(revoke(first.user.id, {claims.token_id, std::nullopt}));
    EXPECT_EQ(me_error(first.access_token), errc::token_invalid);
    EXPECT_TRUE(run(service->me("Bearer " + second.access_token)));
    EXPECT_TRUE(refresh(second.refresh_token));
}

TEST_F(SessionsTest, RevokingByTimeLeavesWhatWasIssuedSinceThen) {
    const auto first = registered();
    clock.advance(10s);
    const auto second = good(run(service->log_in({"ada@example.org", kPassword}, kClient)));
    ASSERT_TRUE(revoke(first.user.id, {std::nullopt, clock.now() - 5s}));
    EXPECT_EQ(me_error(first.access_token), errc::token_invalid);
    EXPECT_TRUE(run(service->me("Bearer " + second.access_token)));
    EXPECT_EQ(refresh_error(first.refresh_token), errc::token_invalid);
    EXPECT_TRUE(refresh(second.refresh_token));
    const auto ahead = revoke(first.user.id, {std::nullopt, clock.now() + 1h});
    ASSERT_FALSE(ahead);
    EXPECT_EQ(ahead.error().code, errc::revocation_in_future);
}

TEST_F(SessionsTest, ARevocationIsMadeOnceForAnIdempotencyKey) {
    const auto first = registered();
    const auto made = good(revoke(first.user.id, {}, "key"));
    clock.advance(5s);
    const auto later = good(run(service->log_in({"ada@example.org", kPassword}, kClient)));
    const auto again = good(revoke(first.user.id, {}, "key"));
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.revocation.id, made.revocation.id);
    EXPECT_TRUE(run(service->me("Bearer " + later.access_token)));
    const auto other = revoke(first.user.id, {"a token", std::nullopt}, "key");
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, errc::key_reused);
}

TEST_F(SessionsTest, GatewaysAreToldOfWhatHasNotExpired) {
    auto config = cheap_config();
    config.revocation_lifetime = 2h;
    service = make_service(config);
    const auto user = registered().user.id;
    ASSERT_TRUE(revoke(user, {"a token", std::nullopt}));
    const auto listed = good(run(service->revocations({{}, {}})));
    ASSERT_EQ(listed.revocations.size(), 1U);
    EXPECT_EQ(listed.revocations[0].revocation.token_id, "a token");
    EXPECT_FALSE(listed.has_more);
    EXPECT_EQ(listed.as_of, clock.now());
    clock.advance(2h);
    EXPECT_TRUE(good(run(service->revocations({{}, {}}))).revocations.empty());
}

TEST(RefreshCookie, IsReadFromAmongOthersAndOnlyByItsName) {
    const auto read = [](const char* field) {
        http::Request request;
        request.headers.add("Cookie", field);
        return refresh_cookie_of(request);
    };
    EXPECT_EQ(read("carillon_refresh=abc"), "abc");
    EXPECT_EQ(read("a=1; carillon_refresh=abc; b=2"), "abc");
    EXPECT_EQ(read("a=1;carillon_refresh=abc"), "abc");
    EXPECT_EQ(read("xcarillon_refresh=abc"), "");
    EXPECT_EQ(read("carillon_refresh"), "");
    EXPECT_EQ(read("CARILLON_REFRESH=abc"), "");
    EXPECT_EQ(read(";;=;"), "");
}

TEST(RefreshCookie, IsForTheAuthPathsAndNotForScripts) {
    http::Response response;
    set_refresh_cookie(response, "abc", 90s, false);
    EXPECT_EQ(response.headers.get("Set-Cookie"),
              "carillon_refresh=abc; Path=/auth; Max-Age=90; HttpOnly; SameSite=Strict");
    http::Response secure;
    set_refresh_cookie(secure, "abc", 90s, true);
    EXPECT_THAT(std::string{secure.headers.get("Set-Cookie")}, HasSubstr("; Secure"));
    http::Response cleared;
    clear_refresh_cookie(cleared, false);
    EXPECT_THAT(std::string{cleared.headers.get("Set-Cookie")}, HasSubstr("carillon_refresh=; Path=/auth; Max-Age=0"));
}

}  // namespace
}  // namespace carillon::auth
