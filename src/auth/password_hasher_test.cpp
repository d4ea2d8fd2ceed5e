#include "auth/password_hasher.hpp"

#include <gmock/gmock.h>

#include "auth/auth_fixture.hpp"

namespace carillon::auth {
namespace {

class PasswordHasherTest : public ::testing::Test {
 protected:
    PasswordHasherTest() { loop.start(); }
    ~PasswordHasherTest() override {
        loop.stop();
        loop.join();
    }
    template <class T>
    T run(loop::Task<T> task) {
        return start_on(loop, std::move(task)).get();
    }

    loop::EventLoop loop{"hasher"};  // outlives the hasher, whose threads post to it
    PasswordHasher hasher{cheap_hashing()};
};

TEST_F(PasswordHasherTest, MatchesItsOwnHashesOnly) {
    const auto hash = run(hasher.hash(kPassword)).value();
    EXPECT_THAT(hash, ::testing::StartsWith("$argon2id$v=19$m=8,t=1,p=1$"));
    EXPECT_THAT(hash, ::testing::Not(::testing::HasSubstr(kPassword)));
    EXPECT_TRUE(run(hasher.matches(hash, kPassword)).value());
    for (const std::string& wrong : {std::string{}, kPassword + " ", kPassword.substr(1), kPassword + '\0'}) {
        EXPECT_FALSE(run(hasher.matches(hash, wrong)).value()) << wrong;
    }
    EXPECT_FALSE(run(hasher.matches("no hash", kPassword)).value());
    EXPECT_FALSE(run(hasher.matches("", kPassword)).value());
}

TEST_F(PasswordHasherTest, SaltsEachHash) {
    EXPECT_NE(run(hasher.hash(kPassword)).value(), run(hasher.hash(kPassword)).value());
}

TEST_F(PasswordHasherTest, HasADummyOfTheSameCost) {
    EXPECT_THAT(hasher.dummy(), ::testing::StartsWith("$argon2id$v=19$m=8,t=1,p=1$"));
    EXPECT_FALSE(run(hasher.matches(hasher.dummy(), kPassword)).value());
}

TEST_F(PasswordHasherTest, RefusesWhatItsQueueCannotHold) {
    PasswordHashing settings = cheap_hashing();
    settings.queue_max = 0;
    PasswordHasher full{settings};
    EXPECT_EQ(run(full.hash(kPassword)).error(), errc::overloaded);
    EXPECT_EQ(run(full.matches(full.dummy(), kPassword)).error(), errc::overloaded);
}

TEST(PasswordHashingDefaults, FollowTheRecommendedMinimum) {
    const PasswordHasher hasher{PasswordHashing{}};
    EXPECT_THAT(hasher.dummy(), ::testing::StartsWith("$argon2id$v=19$m=19456,t=2,p=1$"));
}

TEST(PasswordHashingSettings, AreRefusedBelowTheLibrarysMinimum) {
    EXPECT_THROW((PasswordHasher{{.passes = 0, .memory_bytes = 8 * 1024}}), std::invalid_argument);
    EXPECT_THROW((PasswordHasher{{.passes = 1, .memory_bytes = 1024}}), std::invalid_argument);
    EXPECT_THROW((PasswordHasher{{.threads = 0}}), std::invalid_argument);
}

}  // namespace
}  // namespace carillon::auth
