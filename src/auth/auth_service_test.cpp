#include "auth/auth_service.hpp"

#include <gmock/gmock.h>

#include "auth/auth_fixture.hpp"

namespace carillon::auth {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

const Client kClient{"192.0.2.7", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"};

contracts::RegisterRequest ada() {
    return {"Ada@Example.com", kPassword, "Ada"};
}

class AuthServiceTest : public AuthFixture {
 protected:
    errc login_error(AuthService& service, std::string email, std::string password, Client client = kClient) {
        const auto result = run(service.log_in({std::move(email), std::move(password)}, std::move(client)));
        EXPECT_FALSE(result.has_value());
        return static_cast<errc>(result.error().code.value());
    }
};

TEST_F(AuthServiceTest, RegistersAUserWhoseTokenVerifies) {
    auto service = make_service();
    const auto answer = run(service->register_user(ada(), kClient));
    ASSERT_TRUE(answer.has_value()) << answer.error().code.message();
    EXPECT_EQ(answer->user.email, "Ada@Example.com") << "kept as given";
    EXPECT_EQ(answer->user.name, "Ada");
    EXPECT_EQ(answer->expires_in_s, 3'600U);
    const auto claims = verifier->verify(answer->access_token, clock.now());
    ASSERT_TRUE(claims.has_value());
    EXPECT_EQ(claims->user_id, answer->user.id);
    EXPECT_EQ(claims->expires_at, clock.now() + 1h);
    EXPECT_THAT(claims->permissions, ElementsAre("notification:read", "notification:update"));

    const auto stored = run(users.find_by_id(answer->user.id));
    EXPECT_THAT(stored->password_hash, ::testing::StartsWith("$argon2id$"));
    EXPECT_THAT(stored->password_hash, ::testing::Not(::testing::HasSubstr(kPassword)));
}

TEST_F(AuthServiceTest, LeavesUserRegisteredInTheOutboxOnce) {
    auto service = make_service();
    const auto answer = run(service->register_user(ada(), kClient));
    EXPECT_FALSE(run(service->register_user(ada(), kClient)).has_value());
    const auto events = run(outbox.pending(0, 10)).value();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].subject, "user.registered");
    EXPECT_THAT(events[0].payload, ::testing::HasSubstr(answer->user.id.to_string()));
    EXPECT_THAT(events[0].payload, ::testing::Not(::testing::HasSubstr("argon2id")));
    EXPECT_EQ(events[0].traceparent, kClient.traceparent);
}

TEST_F(AuthServiceTest, GrantsTheConfiguredPermissionsAndLifetime) {
    AuthConfig config = cheap_config();
    config.granted_permissions = {"notification:read", "notification:create:self"};
    config.token_lifetime = 90s;
    auto service = make_service(config);
    const auto answer = run(service->register_user(ada(), kClient));
    EXPECT_EQ(answer->expires_in_s, 90U);
    EXPECT_THAT(verifier->verify(answer->access_token, clock.now())->permissions,
                ElementsAre("notification:read", "notification:create:self"));
}

TEST_F(AuthServiceTest, RefusesAnAddressThatIsTakenInAnyCase) {
    auto service = make_service();
    ASSERT_TRUE(run(service->register_user(ada(), kClient)).has_value());
    const auto again = run(service->register_user({"ADA@example.COM", kPassword, std::nullopt}, kClient));
    EXPECT_EQ(again.error().code, errc::email_taken);
    EXPECT_EQ(failures("email_taken"), 1);
}

TEST_F(AuthServiceTest, LetsOneOfManyRegisterAnAddressAtOnce) {
    AuthConfig config = cheap_config();
    config.registrations_per_client = 0;
    auto service = make_service(config);
    std::vector<std::future<AuthResult<LoggedIn>>> attempts;
    for (int i = 0; i < 12; ++i) attempts.push_back(start_on(loop, service->register_user(ada(), kClient)));
    int registered = 0;
    for (auto& attempt : attempts) {
        const auto result = attempt.get();
        if (result) {
            ++registered;
        } else {
            EXPECT_EQ(result.error().code, errc::email_taken);
        }
    }
    EXPECT_EQ(registered, 1);
}

TEST_F(AuthServiceTest, RefusesAWeakPassword) {
    auto service = make_service();
    const auto result = run(service->register_user({"ada@example.com", "aaaaaaaaaa", std::nullopt}, kClient));
    EXPECT_EQ(result.error().code, errc::weak_password);
    EXPECT_FALSE(result.error().reason.empty());
}

TEST_F(AuthServiceTest, LogsInWithTheAddressInAnyCase) {
    auto service = make_service();
    const auto registered = run(service->register_user(ada(), kClient));
    const auto answer = run(service->log_in({"aDA@eXAMPLE.com", kPassword}, kClient));
    ASSERT_TRUE(answer.has_value()) << answer.error().code.message();
    EXPECT_EQ(answer->user, registered->user);
    EXPECT_EQ(verifier->verify(answer->access_token, clock.now())->user_id, registered->user.id);
    EXPECT_NE(answer->access_token, registered->access_token);
}

TEST_F(AuthServiceTest, TellsNobodyWhetherTheAccountExists) {
    auto service = make_service();
    ASSERT_TRUE(run(service->register_user(ada(), kClient)).has_value());
    EXPECT_EQ(login_error(*service, "ada@example.com", "wrong password"), errc::invalid_credentials);
    EXPECT_EQ(login_error(*service, "nobody@example.com", "wrong password"), errc::invalid_credentials);
    EXPECT_EQ(login_error(*service, "ada@example.com ", kPassword), errc::invalid_credentials) << "nothing is trimmed";
    EXPECT_EQ(failures("invalid_credentials"), 3);
}

TEST_F(AuthServiceTest, HashesForAnUnknownAccountAsForAKnownOne) {
    ASSERT_TRUE(run(make_service()->register_user(ada(), kClient)).has_value());
    AuthConfig config = cheap_config();
    config.hashing.queue_max = 0;  // whoever hashes is refused
    auto service = make_service(config);
    EXPECT_EQ(login_error(*service, "ada@example.com", kPassword), errc::overloaded);
    EXPECT_EQ(login_error(*service, "nobody@example.com", kPassword), errc::overloaded);
    const auto registered = run(service->register_user({"bob@example.com", kPassword, std::nullopt}, kClient));
    EXPECT_EQ(registered.error().code, errc::overloaded);
}

TEST_F(AuthServiceTest, AllowsTenFailedLogInsAMinutePerAccountAndClient) {
    auto service = make_service();
    ASSERT_TRUE(run(service->register_user(ada(), kClient)).has_value());
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(login_error(*service, i % 2 == 0 ? "ada@example.com" : "ADA@example.com", "wrong password"),
                  errc::invalid_credentials);
    }
    const auto refused = run(service->log_in({"ada@example.com", kPassword}, kClient));
    ASSERT_FALSE(refused.has_value()) << "even with the right password: otherwise guessing goes on";
    EXPECT_EQ(refused.error().code, errc::rate_limited);
    EXPECT_EQ(refused.error().retry_after, 60s);

    EXPECT_TRUE(run(service->log_in({"ada@example.com", kPassword}, Client{"192.0.2.8", ""})).has_value())
        << "another client";
    EXPECT_EQ(login_error(*service, "bob@example.com", "wrong password"), errc::invalid_credentials)
        << "another account";
    clock.advance(60s);
    EXPECT_TRUE(run(service->log_in({"ada@example.com", kPassword}, kClient)).has_value());
}

TEST_F(AuthServiceTest, AllowsThirtyFailedLogInsAMinutePerClient) {
    auto service = make_service();
    for (int i = 0; i < 30; ++i) {
        EXPECT_EQ(login_error(*service, std::to_string(i) + "@example.com", "wrong password"),
                  errc::invalid_credentials);
    }
    EXPECT_EQ(login_error(*service, "another@example.com", "wrong password"), errc::rate_limited);
    EXPECT_EQ(login_error(*service, "another@example.com", "wrong password", Client{"192.0.2.8", ""}),
              errc::invalid_credentials);
    EXPECT_EQ(failures("rate_limited"), 1);
}

TEST_F(AuthServiceTest, CountsAnIpv6SubscriberAsOneClient) {
    AuthConfig config = cheap_config();
    config.failed_logins_per_client = 2;
    auto service = make_service(config);
    EXPECT_EQ(login_error(*service, "a@example.com", "wrong", Client{"2001:db8::1", ""}), errc::invalid_credentials);
    EXPECT_EQ(login_error(*service, "a@example.com", "wrong", Client{"2001:db8::2", ""}), errc::invalid_credentials);
    EXPECT_EQ(login_error(*service, "a@example.com", "wrong", Client{"2001:db8::3", ""}), errc::rate_limited);
}

TEST_F(AuthServiceTest, NeverCountsSuccessfulLogIns) {
    auto service = make_service();
    ASSERT_TRUE(run(service->register_user(ada(), kClient)).has_value());
    for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(run(service->log_in({"ada@example.com", kPassword}, kClient)).has_value()) << i;
    }
}

TEST_F(AuthServiceTest, HoldsTheLimitAgainstLogInsMadeAtOnce) {
    auto service = make_service();
    ASSERT_TRUE(run(service->register_user(ada(), kClient)).has_value());
    std::vector<std::future<AuthResult<LoggedIn>>> attempts;
    for (int i = 0; i < 40; ++i) {
        contracts::LoginRequest request{"ada@example.com", "guess number " + std::to_string(i)};
        attempts.push_back(start_on(loop, service->log_in(std::move(request), kClient)));
    }
    int tried = 0;
    for (auto& attempt : attempts) tried += attempt.get().error().code == errc::invalid_credentials ? 1 : 0;
    EXPECT_EQ(tried, 10);
}

TEST_F(AuthServiceTest, AllowsTenRegistrationsASecondPerClient) {
    auto service = make_service();
    const auto attempt = [&](int i, const Client& client) {
        contracts::RegisterRequest request{std::to_string(i) + "@example.com", kPassword, std::nullopt};
        return run(service->register_user(std::move(request), client));
    };
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(attempt(i, kClient).has_value()) << i;
    const auto refused = attempt(10, kClient);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, errc::rate_limited);
    EXPECT_EQ(refused.error().retry_after, 1s);
    EXPECT_TRUE(attempt(11, Client{"192.0.2.8", ""}).has_value());
    clock.advance(1s);
    EXPECT_TRUE(attempt(10, kClient).has_value());
}

TEST_F(AuthServiceTest, RenewsAHashOfOtherParametersAtTheNextLogIn) {
    const auto user = run(make_service()->register_user(ada(), kClient))->user;
    const auto hash = [&] { return run(users.find_by_id(user.id))->password_hash; };
    const std::string first = hash();
    AuthConfig stronger = cheap_config();
    stronger.hashing.passes = 2;
    auto service = make_service(stronger);
    EXPECT_EQ(login_error(*service, "ada@example.com", "not the password"), errc::invalid_credentials);
    EXPECT_EQ(hash(), first);

    ASSERT_TRUE(run(service->log_in({"ada@example.com", kPassword}, kClient)).has_value());
    const std::string second = hash();
    EXPECT_THAT(second, ::testing::StartsWith("$argon2id$v=19$m=8,t=2,p=1$"));
    ASSERT_TRUE(run(service->log_in({"ada@example.com", kPassword}, kClient)).has_value());
    EXPECT_EQ(hash(), second) << "once is enough";
}

TEST_F(AuthServiceTest, SaysWhoATokenBelongsTo) {
    auto service = make_service();
    const auto registered = run(service->register_user(ada(), kClient));
    const auto identity = run(service->me("Bearer " + registered->access_token));
    ASSERT_TRUE(identity.has_value());
    ASSERT_TRUE(identity->account.has_value());
    EXPECT_EQ(identity->account->email, "Ada@Example.com");

    const auto elsewhere = base::UserId::generate(clock);
    const auto foreign = run(service->me("bearer " + signer.sign(elsewhere, {"admin"}, 60s, clock.now())));
    ASSERT_TRUE(foreign.has_value());
    EXPECT_EQ(foreign->claims.user_id, elsewhere);
    EXPECT_FALSE(foreign->account.has_value());

    EXPECT_EQ(run(service->me("")).error().code, errc::token_absent);
    EXPECT_EQ(run(service->me("Basic YTpi")).error().code, errc::token_invalid);
    EXPECT_EQ(run(service->me("Bearer abc")).error().code, errc::token_invalid);
    EXPECT_EQ(run(service->me("Bearer " + internal.sign("gateway", clock.now()))).error().code, errc::token_invalid);
    clock.advance(1h);
    EXPECT_EQ(run(service->me("Bearer " + registered->access_token)).error().code, errc::token_expired);
}

TEST_F(AuthServiceTest, ErasesAnAccountForGood) {
    const auto service = make_service();
    const auto registered = run(service->register_user(ada(), kClient));
    ASSERT_TRUE(registered);
    const auto id = registered->user.id;
    EXPECT_EQ((*run(service->account(id)))->email, "Ada@Example.com");
    EXPECT_TRUE(*run(service->erase_account(id)));
    EXPECT_FALSE(*run(service->erase_account(id))) << "there is none any more";
    EXPECT_FALSE((*run(service->account(id))).has_value());
    EXPECT_EQ(login_error(*service, "ada@example.com", kPassword), errc::invalid_credentials);
    EXPECT_TRUE(run(service->register_user(ada(), kClient))) << "the address is free again";
}

/// A store that answers everything with one error.
class BrokenUserStore final : public store::UserStore {
 public:
    explicit BrokenUserStore(store::errc error) : error_{error} {}
    loop::Task<base::Result<void>> create(store::User, std::string) override { co_return error_; }
    loop::Task<base::Result<store::User>> find_by_email(std::string) override { co_return error_; }
    loop::Task<base::Result<store::User>> find_by_id(base::UserId) override { co_return error_; }
    loop::Task<base::Result<void>> erase(base::UserId) override { co_return error_; }
    loop::Task<base::Result<void>> replace_password_hash(base::UserId, std::string, std::string) override {
        co_return error_;
    }
    loop::Task<base::Result<void>> check() override { co_return error_; }

 private:
    store::errc error_;
};

TEST_F(AuthServiceTest, PassesOnThatTheStoreIsAwayAndCountsNoFailedLogIn) {
    const std::pair<store::errc, errc> cases[] = {{store::errc::unavailable, errc::unavailable},
                                                  {store::errc::overloaded, errc::overloaded}};
    for (const auto& [cause, expected] : cases) {
        BrokenUserStore broken{cause};
        AuthService service{
            {broken, sessions, revocations}, {signer, *verifier, refresh_tokens}, clock, metrics, cheap_config()};
        EXPECT_EQ(run(service.register_user(ada(), kClient)).error().code, expected);
        for (int i = 0; i < 40; ++i) EXPECT_EQ(login_error(service, "ada@example.com", kPassword), expected);
        const auto token = signer.sign(base::UserId::generate(clock), {}, 60s, clock.now());
        EXPECT_EQ(run(service.me("Bearer " + token)).error().code, expected);
        EXPECT_EQ(run(service.account(base::UserId::generate(clock))).error().code, expected);
        EXPECT_EQ(run(service.erase_account(base::UserId::generate(clock))).error().code, expected);
        EXPECT_FALSE(run(service.ready()));
    }
    EXPECT_TRUE(run(make_service()->ready()));
}

}  // namespace
}  // namespace carillon::auth
