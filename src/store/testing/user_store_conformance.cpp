#include "store/testing/user_store_conformance.hpp"

#include <gmock/gmock.h>

#include "contracts/bus_events.hpp"
#include "store/testing/conformance_parts.hpp"
#include "store/testing/consistency.hpp"
#include "store/testing/drive.hpp"
#include "store/testing/sample_notifications.hpp"

namespace carillon::store::testing {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

UserStoreFactory user_store_adapter(UserStoreFactory make) {
    link_session_conformance();
    return make;
}

namespace {

User sample_user(std::string email) {
    User user;
    user.id = new_user();
    user.email = std::move(email);
    user.name = "Ada";
    user.password_hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";
    user.created_at = kNow;
    return user;
}

void expect_same(const User& found, const User& user) {
    EXPECT_EQ(found.id, user.id);
    EXPECT_EQ(found.email, user.email);
    EXPECT_EQ(found.name, user.name);
    EXPECT_EQ(found.password_hash, user.password_hash);
    EXPECT_EQ(found.created_at, user.created_at);
}

loop::Task<void> register_one(UserStore& store, User user, std::size_t& taken) {
    const auto result = co_await store.create(std::move(user), "");
    if (!result) {
        EXPECT_EQ(result.error(), errc::email_taken);
        ++taken;
    }
}

}  // namespace

TEST_P(UserStoreConformance, FindsWhatItCreated) {
    const auto user = sample_user("Ada@Example.org");
    ASSERT_TRUE(run(store().create(user, "")).has_value());
    expect_same(run(store().find_by_id(user.id)).value(), user);
    expect_same(run(store().find_by_email("Ada@Example.org")).value(), user);
    expect_same(run(store().find_by_email("aDA@eXAMPLE.ORG")).value(), user);
}

TEST_P(UserStoreConformance, FindsNobodyElse) {
    ASSERT_TRUE(run(store().create(sample_user("ada@example.org"), "")).has_value());
    EXPECT_EQ(run(store().find_by_email("ada@example.or")).error(), errc::not_found);
    EXPECT_EQ(run(store().find_by_email("ada%")).error(), errc::not_found);
    EXPECT_EQ(run(store().find_by_id(new_user())).error(), errc::not_found);
}

TEST_P(UserStoreConformance, KeepsAUserWithoutAName) {
    auto user = sample_user("ada@example.org");
    user.name.reset();
    ASSERT_TRUE(run(store().create(user, "")).has_value());
    EXPECT_EQ(run(store().find_by_id(user.id)).value().name, std::nullopt);
}

TEST_P(UserStoreConformance, AnAddressIsTakenWhateverItsCase) {
    ASSERT_TRUE(run(store().create(sample_user("ada@example.org"), "")).has_value());
    const auto second = sample_user("ADA@example.org");
    EXPECT_EQ(run(store().create(second, "")).error(), errc::email_taken);
    EXPECT_EQ(run(store().find_by_id(second.id)).error(), errc::not_found);
    EXPECT_THAT(all_events(outbox()), SizeIs(1));
}

TEST_P(UserStoreConformance, OfManyWithOneAddressOneWins) {
    std::size_t taken = 0;
    std::vector<loop::Task<void>> tasks;
    for (int i = 0; i < 20; ++i) tasks.push_back(register_one(store(), sample_user("ada@example.org"), taken));
    run_all(std::move(tasks));
    EXPECT_EQ(taken, 19U);
    EXPECT_THAT(all_events(outbox()), SizeIs(1));
}

TEST_P(UserStoreConformance, RegistrationIsAnEventWithoutThePassword) {
    const auto user = sample_user("ada@example.org");
    const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    ASSERT_TRUE(run(store().create(user, trace)).has_value());
    const auto events = all_events(outbox());
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].subject, "user.registered");
    EXPECT_EQ(events[0].traceparent, trace);
    EXPECT_THAT(events[0].payload, Not(HasSubstr("argon2")));
    const auto decoded = contracts::decode_user_registered(events[0].payload);
    ASSERT_TRUE(decoded.has_value()) << events[0].payload;
    EXPECT_EQ(decoded->event_id, events[0].event_id);
    EXPECT_EQ(decoded->user_id, user.id);
    EXPECT_EQ(decoded->email, user.email);
    EXPECT_EQ(decoded->name, user.name);
    EXPECT_EQ(decoded->created_at, user.created_at);
}

TEST_P(UserStoreConformance, ErasesAUserWithWhatIsPending) {
    const auto user = sample_user("ada@example.org");
    const auto other = sample_user("bob@example.org");
    ASSERT_TRUE(run(store().create(user, "")).has_value());
    ASSERT_TRUE(run(store().create(other, "")).has_value());
    ASSERT_TRUE(run(store().erase(user.id)).has_value());
    EXPECT_EQ(run(store().find_by_id(user.id)).error(), errc::not_found);
    EXPECT_EQ(run(store().find_by_email("ada@example.org")).error(), errc::not_found);
    EXPECT_TRUE(run(store().find_by_id(other.id)).has_value());
    const auto events = all_events(outbox());
    ASSERT_THAT(events, SizeIs(1)) << "the registration of the other";
    EXPECT_THAT(events[0].payload, HasSubstr("bob@example.org"));
    EXPECT_EQ(run(outbox().pending_count()).value(), 1U);
}

TEST_P(UserStoreConformance, ErasesNobodyElse) {
    ASSERT_TRUE(run(store().create(sample_user("ada@example.org"), "")).has_value());
    EXPECT_EQ(run(store().erase(new_user())).error(), errc::not_found);
    EXPECT_THAT(all_events(outbox()), SizeIs(1));
}

TEST_P(UserStoreConformance, AnErasedAddressIsFreeAgain) {
    const auto user = sample_user("ada@example.org");
    ASSERT_TRUE(run(store().create(user, "")).has_value());
    ASSERT_TRUE(run(store().erase(user.id)).has_value());
    EXPECT_TRUE(run(store().create(sample_user("ada@example.org"), "")).has_value());
}

TEST_P(UserStoreConformance, ReplacesAPasswordHashThatIsStillTheKnownOne) {
    const auto user = sample_user("ada@example.org");
    const auto other = sample_user("bob@example.org");
    ASSERT_TRUE(run(store().create(user, "")).has_value());
    ASSERT_TRUE(run(store().create(other, "")).has_value());
    ASSERT_TRUE(run(store().replace_password_hash(user.id, user.password_hash, "$argon2id$renewed")).has_value());
    EXPECT_EQ(run(store().find_by_id(user.id)).value().password_hash, "$argon2id$renewed");
    EXPECT_EQ(run(store().replace_password_hash(user.id, user.password_hash, "$argon2id$late")).error(),
              errc::not_found);
    EXPECT_EQ(run(store().replace_password_hash(new_user(), "x", "y")).error(), errc::not_found);
    EXPECT_EQ(run(store().find_by_id(user.id)).value().password_hash, "$argon2id$renewed");
    EXPECT_EQ(run(store().find_by_id(other.id)).value().password_hash, other.password_hash);
    EXPECT_THAT(all_events(outbox()), SizeIs(2)) << "no event of its own";
}

TEST_P(UserStoreConformance, CheckSaysThatItWorks) {
    EXPECT_TRUE(run(store().check()).has_value());
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(UserStoreConformance);

}  // namespace carillon::store::testing
