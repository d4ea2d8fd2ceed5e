#include <gmock/gmock.h>

#include <random>

#include "store/postgres/pgtest_fixture.hpp"

// The database is down, frozen, read-only, full: calls are refused soon, and everything works again without a restart.
namespace carillon::store::testing {
namespace {

using namespace std::chrono_literals;

// A server of its own, because it is treated badly.
class Faults : public ::testing::Test {
 protected:
    static void SetUpTestSuite() { shared() = std::make_unique<PostgresServer>(); }
    static void TearDownTestSuite() { shared().reset(); }
    static std::unique_ptr<PostgresServer>& shared() {
        static std::unique_ptr<PostgresServer> server;
        return server;
    }

    Faults() {
        auto options = options_for(server_.url(database_));
        options.limits.time_max = 1'000ms;
        options.limits.connect_time_max = 500ms;
        options.limits.outbox_lease = 2'000ms;
        instance_ = std::make_unique<Instance>(options);
        EXPECT_TRUE(instance_->create(user_));
    }

    void expect_refused() {
        const auto start = std::chrono::steady_clock::now();
        EXPECT_EQ(instance_->create(user_).error(), errc::unavailable);
        EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
    }
    bool checks() { return run(instance_->store().check()).has_value(); }
    bool creates() { return instance_->create(user_).has_value(); }
    bool lists() { return run(instance_->store().list({user_, 10, StatusFilter::all, std::nullopt})).has_value(); }

    void expect_works_again() {
        EXPECT_TRUE(eventually([this] { return checks(); }, 10s));
        EXPECT_TRUE(eventually([this] { return creates(); }, 10s));
        EXPECT_TRUE(eventually([this] { return lists(); }, 10s));
        expect_consistent(instance_->store(), instance_->outbox(), {user_});
    }

    PostgresServer& server_ = *shared();
    std::string database_ = server_.create_database();
    base::UserId user_ = new_user();
    std::unique_ptr<Instance> instance_;
};

TEST_F(Faults, AServerThatIsDownRefusesAtOnceAndHeals) {
    server_.stop();
    EXPECT_TRUE(eventually([this] { return !checks(); }));
    EXPECT_TRUE(eventually([this] {
        const auto start = std::chrono::steady_clock::now();
        const bool refused = instance_->create(user_).error() == errc::unavailable && !lists();
        return refused && std::chrono::steady_clock::now() - start < 100ms;
    })) << "once it is known to be down, nobody waits";
    server_.start();
    expect_works_again();
}

TEST_F(Faults, AServerThatIsKilledHeals) {
    server_.kill();
    expect_refused();
    EXPECT_FALSE(checks());
    server_.start();
    expect_works_again();
}

TEST_F(Faults, AServerThatDoesNotAnswerRefusesInTimeAndHeals) {
    server_.freeze();
    expect_refused();
    EXPECT_FALSE(checks());
    expect_refused();
    server_.thaw();
    expect_works_again();
}

TEST_F(Faults, AReadOnlyDatabaseRefusesWritesAndHeals) {
    server_.sql(database_, "ALTER SYSTEM SET default_transaction_read_only = on");
    server_.sql(database_, "SELECT pg_reload_conf()");
    EXPECT_TRUE(eventually([this] { return instance_->create(user_).error() == errc::unavailable; }));
    EXPECT_TRUE(eventually([this] { return !checks(); })) << "readiness counts writes";
    EXPECT_TRUE(lists()) << "reading goes on";
    server_.sql(database_, "ALTER SYSTEM RESET default_transaction_read_only");
    server_.sql(database_, "SELECT pg_reload_conf()");
    expect_works_again();
}

// Bytes that do not compress.
std::string noise(std::size_t size) {
    static std::mt19937 random{7};
    std::string text(size, ' ');
    for (char& c : text) c = static_cast<char>('!' + random() % 90);
    return text;
}

TEST_F(Faults, AFullDiskRefusesAndHeals) {
    // No file may grow beyond this; the log's files are smaller.
    server_.limit_file_size(17 << 20);
    std::size_t applied = 1;
    bool refused = false;
    for (int i = 0; i < 200 && !refused; ++i) {
        std::vector<NewNotification> batch;
        for (int n = 0; n < 100; ++n) {
            batch.push_back(for_user(user_));
            batch.back().body = noise(4'000);
        }
        for (const auto& result : run(instance_->store().create(std::move(batch)))) {
            if (result) {
                ++applied;
            } else {
                EXPECT_EQ(result.error(), errc::unavailable);
                refused = true;
            }
        }
    }
    EXPECT_TRUE(refused);
    EXPECT_EQ(state_of(instance_->store(), user_).version, applied) << "what was refused changed nothing";
    server_.limit_file_size(PostgresServer::kNoFileSizeLimit);
    EXPECT_TRUE(eventually([this] { return creates(); }));
    EXPECT_EQ(server_.sql(database_,
                          "SELECT unread - (SELECT count(*) FROM notification.notifications"
                          " WHERE read_at IS NULL) FROM notification.user_state"),
              "0\n");
}

constexpr const char* kEndSessions =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'carillon%'";

TEST_F(Faults, SessionsThatAreEndedOneByOneAreMadeAgain) {
    for (int round = 0; round < 3; ++round) {
        server_.sql(database_, kEndSessions);
        expect_works_again();
    }
}

TEST_F(Faults, AServerThatTakesNoMoreSessionsRefusesAndHeals) {
    server_.sql("postgres", "ALTER DATABASE " + database_ + " CONNECTION LIMIT 0");
    server_.sql(database_, kEndSessions);
    EXPECT_TRUE(eventually([this] { return !checks(); }));
    expect_refused();
    server_.sql("postgres", "ALTER DATABASE " + database_ + " CONNECTION LIMIT -1");
    expect_works_again();
}

}  // namespace
}  // namespace carillon::store::testing
