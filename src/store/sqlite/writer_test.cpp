#include "store/sqlite/writer.hpp"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <atomic>
#include <future>

#include "base/testing/fake_clock.hpp"
#include "store/errc.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/requests.hpp"
#include "store/sqlite/sqlite_notification_store.hpp"
#include "store/sqlite/sqlite_outbox_store.hpp"
#include "store/testing/consistency.hpp"
#include "store/testing/drive.hpp"
#include "store/testing/sample_notifications.hpp"
#include "store/testing/temp_directory.hpp"

namespace carillon::store {
namespace {

using testing::for_user;
using testing::new_user;
using testing::run;

// Holds the writer in the middle of a transaction, so that others queue up behind it.
class Gate final : public Mutation {
 public:
    Gate(std::promise<void>& entered, std::shared_future<void> opened)
        : entered_{entered}, opened_{std::move(opened)} {}
    std::size_t parts() const override { return 1; }
    base::ErrorCode apply(std::size_t, WriteTransaction&) override {
        entered_.set_value();
        opened_.wait();
        return {};
    }
    void fail(std::size_t, base::ErrorCode) override {}
    void answer() override {}

 private:
    std::promise<void>& entered_;
    std::shared_future<void> opened_;
};

class Writer : public ::testing::Test {
 protected:
    void open(WriterLimits limits = {}) {
        SqliteOptions options;
        options.directory = directory_.path();
        outbox_.reset();
        store_.reset();
        database_.reset();
        options.writer = limits;
        options.clock = &clock_;
        options.busy_timeout = std::chrono::milliseconds{50};
        database_ = std::make_unique<SqliteDatabase>(options, registry_);
        store_ = std::make_unique<SqliteNotificationStore>(*database_);
        outbox_ = std::make_unique<SqliteOutboxStore>(*database_, OutboxName::notification);
    }

    void hold() {
        database_->writer().post(std::make_unique<Gate>(entered_, opened_.get_future().share()));
        entered_.get_future().wait();
    }
    void release() { opened_.set_value(); }

    base::Result<Created> create(base::UserId user) {
        std::vector<NewNotification> batch{for_user(user)};
        return run(store_->create(std::move(batch))).at(0);
    }

    // Runs SQL on the writer's own connection.
    void on_writer(std::string sql) {
        std::function<base::Result<void>(WriteTransaction&)> work = [&sql](WriteTransaction& transaction) {
            transaction.connection().execute(sql);
            return base::Result<void>{};
        };
        ASSERT_TRUE(run(mutate<void>(database_->writer(), database_->duration_of("test"), work)).has_value());
    }
    sqlite3* writers_handle() {
        std::function<base::Result<sqlite3*>(WriteTransaction&)> work = [](WriteTransaction& transaction) {
            return base::Result<sqlite3*>{transaction.connection().handle()};
        };
        return run(mutate<sqlite3*>(database_->writer(), database_->duration_of("test"), work)).value();
    }

    base::FakeClock clock_;
    testing::TempDirectory directory_;
    metrics::Registry registry_;
    std::unique_ptr<SqliteDatabase> database_;
    std::unique_ptr<SqliteNotificationStore> store_;
    std::unique_ptr<SqliteOutboxStore> outbox_;
    std::promise<void> entered_;
    std::promise<void> opened_;
};

loop::Task<void> create_for(NotificationStore& store, base::UserId user, std::vector<base::ErrorCode>& errors) {
    std::vector<NewNotification> batch{for_user(user)};
    auto result = (co_await store.create(std::move(batch))).at(0);
    if (!result) errors.push_back(result.error());
}

// Goes behind the tasks started before it, which have called by then, and lets the writer go on.
loop::Task<void> then_release(std::promise<void>& gate) {
    co_await loop::yield_now();
    gate.set_value();
}

loop::Task<void> then_close(SqliteDatabase& database, std::promise<void>& gate, std::future<void>& closed) {
    co_await loop::yield_now();
    closed = std::async(std::launch::async, [&database] { database.close(); });
    gate.set_value();
}

TEST_F(Writer, CommitsWhatWaitsOnce) {
    open();
    const auto before = database_->writer().commits();
    hold();
    const auto user = new_user();
    std::vector<base::ErrorCode> errors;
    std::vector<loop::Task<void>> tasks;
    for (int i = 0; i < 200; ++i) tasks.push_back(create_for(*store_, user, errors));
    tasks.push_back(then_release(opened_));
    testing::run_all(std::move(tasks));
    EXPECT_TRUE(errors.empty());
    EXPECT_EQ(testing::state_of(*store_, user).version, 200U);
    const auto commits = database_->writer().commits() - before;
    EXPECT_EQ(commits, 2U) << "the one that was held, and one for the rest";
}

TEST_F(Writer, RefusesWhatItsQueueCannotHold) {
    open({.queue_max = 10});
    hold();
    const auto user = new_user();
    std::vector<base::ErrorCode> errors;
    std::vector<loop::Task<void>> tasks;
    for (int i = 0; i < 15; ++i) tasks.push_back(create_for(*store_, user, errors));
    tasks.push_back(then_release(opened_));
    testing::run_all(std::move(tasks));
    ASSERT_EQ(errors.size(), 5U);
    for (const auto& error : errors) EXPECT_EQ(error, errc::overloaded);
    EXPECT_EQ(testing::state_of(*store_, user).version, 10U);
    EXPECT_TRUE(create(user).has_value()) << "there is room again";
}

// On the loop's thread, as the callers' own look at the clock; the writer is held.
loop::Task<void> after_a_while(base::FakeClock& clock) {
    co_await loop::yield_now();
    clock.advance(std::chrono::seconds{11});
}

TEST_F(Writer, RefusesWhatWaitedTooLong) {
    open();
    hold();
    const auto user = new_user();
    std::vector<base::ErrorCode> errors;
    std::vector<loop::Task<void>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(create_for(*store_, user, errors));
    tasks.push_back(after_a_while(clock_));
    tasks.push_back(then_release(opened_));
    testing::run_all(std::move(tasks));
    ASSERT_EQ(errors.size(), 3U);
    for (const auto& error : errors) EXPECT_EQ(error, errc::unavailable);
    EXPECT_EQ(testing::state_of(*store_, user).version, 0U) << "nothing was applied";
}

TEST_F(Writer, FinishesWhatWaitsWhenClosed) {
    open();
    hold();
    const auto user = new_user();
    std::vector<base::ErrorCode> errors;
    std::vector<loop::Task<void>> tasks;
    for (int i = 0; i < 20; ++i) tasks.push_back(create_for(*store_, user, errors));
    std::future<void> closed;
    tasks.push_back(then_close(*database_, opened_, closed));
    testing::run_all(std::move(tasks));
    closed.get();
    EXPECT_TRUE(errors.empty());
    open();
    EXPECT_EQ(testing::state_of(*store_, user).version, 20U);
}

TEST_F(Writer, AFullDiskRefusesAndHeals) {
    open();
    const auto user = new_user();
    ASSERT_TRUE(create(user).has_value());
    on_writer("PRAGMA max_page_count = 1");  // SQLite takes it as "no more pages than now"
    std::size_t applied = 1;
    base::ErrorCode error;
    for (int i = 0; i < 1'000 && !error; ++i) {
        const auto result = create(user);
        if (result) {
            ++applied;
        } else {
            error = result.error();
        }
    }
    EXPECT_EQ(error, errc::unavailable);
    EXPECT_EQ(testing::state_of(*store_, user).version, applied) << "what failed changed nothing";
    testing::expect_consistent(*store_, *outbox_, {user});
    on_writer("PRAGMA max_page_count = 1073741823");
    EXPECT_TRUE(create(user).has_value());
    testing::expect_consistent(*store_, *outbox_, {user});
}

TEST_F(Writer, ACommitThatFailsChangesNothing) {
    open();
    const auto user = new_user();
    ASSERT_TRUE(create(user).has_value());
    std::atomic<int> heard{0};
    outbox_->on_committed([&heard](std::vector<OutboxEvent>) { ++heard; });
    auto* handle = writers_handle();
    std::atomic<int> failing{1};
    sqlite3_commit_hook(
        handle, [](void* flag) { return static_cast<std::atomic<int>*>(flag)->load(); }, &failing);
    std::vector<NewNotification> batch{for_user(user), for_user(user)};
    for (const auto& result : run(store_->create(std::move(batch)))) EXPECT_EQ(result.error(), errc::unavailable);
    EXPECT_EQ(run(outbox_->pending_count()).value(), 1U);
    EXPECT_EQ(heard.load(), 0);
    failing = 0;
    EXPECT_EQ(create(user).value().state.version, 2U) << "it works again, and no version was lost";
    EXPECT_EQ(heard.load(), 1);
    testing::expect_consistent(*store_, *outbox_, {user});
    sqlite3_commit_hook(handle, nullptr, nullptr);
}

TEST_F(Writer, ALockedDatabaseRefusesAndHeals) {
    open();
    const auto user = new_user();
    {
        SqliteConnection other{database_->file(), SqliteAccess::read_write};
        other.execute("BEGIN IMMEDIATE");
        ASSERT_FALSE(other.failed());
        EXPECT_EQ(create(user).error(), errc::unavailable);
        EXPECT_EQ(run(store_->check()).error(), errc::unavailable);
        EXPECT_TRUE(run(store_->counts({user})).has_value()) << "reading goes on";
    }
    EXPECT_TRUE(create(user).has_value());
    EXPECT_TRUE(run(store_->check()).has_value());
}

TEST_F(Writer, AReadOnlyDatabaseRefusesAndHeals) {
    open();
    const auto user = new_user();
    auto* handle = writers_handle();  // idle between calls, so it may be used here
    ASSERT_EQ(sqlite3_exec(handle, "PRAGMA query_only = ON", nullptr, nullptr, nullptr), SQLITE_OK);
    EXPECT_EQ(create(user).error(), errc::unavailable);
    ASSERT_EQ(sqlite3_exec(handle, "PRAGMA query_only = OFF", nullptr, nullptr, nullptr), SQLITE_OK);
    EXPECT_TRUE(create(user).has_value());
}

TEST_F(Writer, AQueryPastItsDeadlineIsStopped) {
    open();
    SqliteReaders readers{database_->file(),
                          {.threads = 1, .queue_max = 10, .time_max = std::chrono::milliseconds{20}}};
    std::function<base::Result<std::int64_t>(SqliteConnection&)> endless =
        [](SqliteConnection& connection) -> base::Result<std::int64_t> {
        SqliteQuery count{connection,
                          "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"};
        return count.next() ? count.integer(0) : 0;
    };
    EXPECT_EQ(run(query<std::int64_t>(readers, database_->duration_of("test"), endless)).error(), errc::unavailable);
    std::function<base::Result<std::int64_t>(SqliteConnection&)> quick =
        [](SqliteConnection&) -> base::Result<std::int64_t> { return 7; };
    EXPECT_EQ(run(query<std::int64_t>(readers, database_->duration_of("test"), quick)).value(), 7);
}

}  // namespace
}  // namespace carillon::store
