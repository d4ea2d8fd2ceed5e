#include <gmock/gmock.h>

#include "store/open_error.hpp"
#include "store/postgres/pgtest_fixture.hpp"
#include "store/postgres/schema.hpp"
#include "store/postgres/testing/lossy_proxy.hpp"

// The connection is lost between COMMIT and its answer: the caller hears that it failed, nothing is half done, and the
// event of what was done after all goes out.
namespace carillon::store::testing {
namespace {

using namespace std::chrono_literals;

// As a message that runs the prepared statement names it: behind the empty name of the portal. The message that
// prepares it has no zero byte in front of the name, so that a session that opens meanwhile is not what is cut.
const std::string kCommit{"\0commit\0", 8};
const std::string kLockUsers{"\0lock_users\0", 12};

class LostAnswer : public ::testing::Test {
 protected:
    LostAnswer() {
        auto options = database_.options;
        options.url = postgres_server().tcp_url(database_.name);
        const auto port = std::to_string(postgres_server().port());
        options.url.replace(options.url.find(port), port.size(), std::to_string(proxy_.port()));
        // Removing events commits, too, and shall not be what is cut.
        options.limits.adopt_every = 60'000ms;
        instance_ = std::make_unique<Instance>(options);
        EXPECT_TRUE(instance_->create(user_));
    }

    bool works() { return instance_->create(other_).has_value(); }
    InboxState state() {
        InboxState found;
        EXPECT_TRUE(eventually([&] {
            const auto counts = run(instance_->store().counts({user_}));
            if (counts) found = counts->front().state;
            return counts.has_value();
        }));
        return found;
    }

    Database database_;
    LossyProxy proxy_{postgres_server().port()};
    base::UserId user_ = new_user();
    base::UserId other_ = new_user();
    std::unique_ptr<Instance> instance_;
};

TEST_F(LostAnswer, OfACommitThatReachedTheServerTheEventGoesOut) {
    proxy_.cut_at(kCommit, LossyProxy::Cut::before_the_client);
    EXPECT_EQ(instance_->create(user_).error(), errc::unavailable);
    EXPECT_EQ(proxy_.cuts(), 1);
    EXPECT_EQ(state().version, 2U) << "it was applied after all";
    EXPECT_TRUE(eventually([this] { return instance_->heard().size() == 2; })) << "its event goes out";
    ASSERT_TRUE(eventually([this] { return works(); }));
    ASSERT_TRUE(instance_->create(user_));
    expect_consistent(instance_->store(), instance_->outbox(), {user_});
    const auto heard = instance_->heard();
    const auto stored = all_events(instance_->outbox());
    ASSERT_EQ(heard.size(), stored.size());
    for (std::size_t i = 0; i < heard.size(); ++i) EXPECT_EQ(heard[i].sequence, stored[i].sequence);
}

TEST_F(LostAnswer, ACommitThatDidNotReachTheServerChangesNothing) {
    proxy_.cut_at(kCommit, LossyProxy::Cut::before_the_server);
    EXPECT_EQ(instance_->create(user_).error(), errc::unavailable);
    EXPECT_EQ(proxy_.cuts(), 1);
    EXPECT_EQ(state().version, 1U);
    ASSERT_TRUE(eventually([this] { return works(); }));
    EXPECT_EQ(instance_->create(user_).value().state.version, 2U);
    EXPECT_TRUE(eventually([this] { return instance_->heard().size() == 3; }))
        << "nothing waits for what was not applied";
    expect_consistent(instance_->store(), instance_->outbox(), {user_});
}

TEST_F(LostAnswer, ARetryUnderAClaimIsNotDoneTwice) {
    const auto claim = claim_of(user_, "k");
    proxy_.cut_at(kCommit, LossyProxy::Cut::before_the_client);
    EXPECT_EQ(run(instance_->store().create_once({for_user(user_)}, claim)).error(), errc::unavailable);
    base::Result<CreatedOnce> again = errc::unavailable;
    ASSERT_TRUE(eventually([&] {
        again = run(instance_->store().create_once({for_user(user_)}, claim));
        return again.has_value();
    }));
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(state().version, 2U);
}

TEST_F(LostAnswer, InTheFirstRoundChangesNothing) {
    proxy_.cut_at(kLockUsers, LossyProxy::Cut::before_the_client);
    EXPECT_EQ(instance_->create(user_).error(), errc::unavailable);
    EXPECT_EQ(state().version, 1U);
    ASSERT_TRUE(eventually([this] { return works(); })) << "the lock went with its session";
    EXPECT_EQ(instance_->create(user_).value().state.version, 2U);
}

// --- A migration

class LostMigration : public ::testing::Test {
 protected:
    LostMigration() {
        url_ = postgres_server().tcp_url(database_.name);
        const auto port = std::to_string(postgres_server().port());
        url_.replace(url_.find(port), port.size(), std::to_string(proxy_.port()));
    }
    std::vector<AppliedMigration> prepare(std::chrono::milliseconds wait = 5s) {
        static const std::vector<Migration> kSteps{{1, "first", "-- oldest-binary: 0.1.0\nCREATE TABLE a (x int)"},
                                                   {2, "second", "-- oldest-binary: 0.1.0\nCREATE TABLE b (x int)"}};
        return postgres::prepare_schema(postgres::ConnectionTarget::parse(url_), "things", SchemaPolicy::migrate, wait,
                                        kSteps, {0, 2, 0});
    }
    std::string tables() const {
        return database_.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'things' AND tablename IN ('a', 'b')");
    }

    // As the simple protocol sends it.
    const std::string commit_{"COMMIT\0", 7};
    Database database_;
    LossyProxy proxy_{postgres_server().port()};
    std::string url_;
};

TEST_F(LostMigration, ThatWasCommittedIsReportedAsApplied) {
    proxy_.cut_at(commit_, LossyProxy::Cut::before_the_client);
    EXPECT_THAT(prepare(), ::testing::SizeIs(2));
    EXPECT_EQ(proxy_.cuts(), 1);
    EXPECT_EQ(tables(), "2");
    EXPECT_THAT(prepare(), ::testing::IsEmpty());
}

TEST_F(LostMigration, ThatWasNotCommittedIsAppliedAgain) {
    proxy_.cut_at(commit_, LossyProxy::Cut::before_the_server);
    EXPECT_THAT(prepare(), ::testing::SizeIs(2));
    EXPECT_EQ(proxy_.cuts(), 1);
    EXPECT_EQ(tables(), "2");
    EXPECT_EQ(database_.sql("SELECT count(*) FROM things.schema_migrations"), "2");
}

TEST_F(LostMigration, OfWhichNobodyCanBeAskedNothingIsClaimed) {
    proxy_.cut_at(commit_, LossyProxy::Cut::before_the_client);
    proxy_.refuse_after_cut();
    try {
        prepare(0ms);
        FAIL() << "it was not refused";
    } catch (const OpenError& error) {
        EXPECT_THAT(error.what(), ::testing::AllOf(::testing::HasSubstr("step 0001_first"),
                                                   ::testing::HasSubstr("as a whole or not at all"),
                                                   ::testing::HasSubstr("carillon migrate"),
                                                   ::testing::Not(::testing::HasSubstr("nothing of the step")),
                                                   ::testing::Not(::testing::HasSubstr("\n"))));
    }
    EXPECT_EQ(tables(), "1") << "it was applied, as it happens";
}

TEST_F(LostAnswer, AHostNameIsLookedUp) {
    auto options = database_.options;
    options.url = postgres_server().tcp_url(database_.name, "localhost");
    Instance named{options};
    EXPECT_TRUE(named.create(other_));
}

}  // namespace
}  // namespace carillon::store::testing
