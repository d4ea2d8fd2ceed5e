#include <gmock/gmock.h>

#include <mutex>

#include "store/postgres/blocking_connection.hpp"
#include "store/postgres/pgtest_fixture.hpp"

// Changes that share a transaction.
namespace carillon::store::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::SizeIs;

class Batches : public ::testing::Test {
 protected:
    void open(PostgresLimits limits = {}) {
        auto options = database_.options;
        options.limits = limits;
        instance_ = std::make_unique<Instance>(options);
        // Sessions are there before what is measured begins.
        ASSERT_TRUE(instance_->create(new_user()));
    }
    double batches() { return instance_->metrics().counter("store_batches_total", "").value(); }

    postgres::BlockingConnection connect() { return {postgres::ConnectionTarget::parse(database_.options.url), 5s}; }

    Database database_;
    std::unique_ptr<Instance> instance_;
};

/// Added to on the thread of the calls, and asked by the test meanwhile.
class Errors {
 public:
    void add(base::ErrorCode error) {
        const std::lock_guard lock{mutex_};
        all_.push_back(error);
    }
    std::vector<base::ErrorCode> all() const {
        const std::lock_guard lock{mutex_};
        return all_;
    }

 private:
    mutable std::mutex mutex_;
    std::vector<base::ErrorCode> all_;
};

loop::Task<void> create_for(NotificationStore& store, base::UserId user, Errors& errors) {
    std::vector<NewNotification> batch{for_user(user)};
    auto creating = store.create(std::move(batch));
    auto result = (co_await std::move(creating)).at(0);
    if (!result) errors.add(result.error());
}

TEST_F(Batches, WhatComesTogetherIsCommittedTogether) {
    open({.write_sessions = 1});
    const auto before = batches();
    Errors errors;
    std::vector<base::UserId> users;
    std::vector<loop::Task<void>> tasks;
    for (int i = 0; i < 100; ++i) {
        users.push_back(new_user());
        tasks.push_back(create_for(instance_->store(), users.back(), errors));
    }
    run_all(std::move(tasks));
    EXPECT_TRUE(errors.all().empty());
    EXPECT_LE(batches() - before, 10) << "of a hundred that came at once";
    expect_consistent(instance_->store(), instance_->outbox(), users);
}

TEST_F(Batches, OneThatFailsFailsAlone) {
    open();
    const auto user = new_user();
    std::vector<NewNotification> batch;
    for (int i = 0; i < 5; ++i) batch.push_back(for_user(user));
    // What the contracts would have refused, and PostgreSQL cannot hold.
    batch[1].title = std::string{"a\0b", 3};
    batch[3].title = "\xFF";
    const auto results = run(instance_->store().create(std::move(batch)));
    for (const std::size_t good : {0U, 2U, 4U}) EXPECT_TRUE(results[good].has_value()) << good;
    for (const std::size_t bad : {1U, 3U}) EXPECT_EQ(results[bad].error(), errc::unavailable) << bad;
    EXPECT_EQ(state_of(instance_->store(), user).version, 3U);
    expect_consistent(instance_->store(), instance_->outbox(), {user});
    EXPECT_EQ(database_.wrong_counts(), "0");
}

TEST_F(Batches, AUserWhoseRowIsLockedByAnotherHoldsUpNobodyForLong) {
    PostgresLimits limits;
    limits.time_max = 2'000ms;
    limits.write_sessions = 1;
    open(limits);
    const auto locked = new_user();
    const auto free = new_user();
    ASSERT_TRUE(instance_->create(locked));
    auto other = connect();
    other.run("BEGIN; SELECT 1 FROM notification.user_state WHERE user_id = '" + locked.to_string() + "' FOR UPDATE");
    std::vector<NewNotification> batch{for_user(free), for_user(locked), for_user(free)};
    const auto results = run(instance_->store().create(std::move(batch)));
    EXPECT_TRUE(results[0].has_value());
    EXPECT_EQ(results[1].error(), errc::unavailable);
    EXPECT_TRUE(results[2].has_value());
    other.run("COMMIT");
    EXPECT_EQ(instance_->create(locked).value().state.version, 2U);
    expect_consistent(instance_->store(), instance_->outbox(), {locked, free});
}

TEST_F(Batches, WhatTheQueueCannotHoldIsRefused) {
    PostgresLimits limits;
    limits.queue_max = 10;
    limits.write_sessions = 1;
    open(limits);
    const auto user = new_user();
    ASSERT_TRUE(instance_->create(user));
    auto other = connect();
    other.run("BEGIN; SELECT 1 FROM notification.user_state WHERE user_id = '" + user.to_string() + "' FOR UPDATE");
    // The first is under way, and waits for the lock.
    auto first = start(instance_->store().create({for_user(user)}));
    ASSERT_TRUE(eventually(
        [&] { return database_.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "1"; }));
    Errors errors;
    std::vector<loop::Task<void>> tasks;
    for (int i = 0; i < 15; ++i) tasks.push_back(create_for(instance_->store(), user, errors));
    auto rest = std::async(std::launch::async, [&tasks] { run_all(std::move(tasks)); });
    ASSERT_TRUE(eventually([&] { return errors.all().size() >= 5; }, 3s));
    other.run("COMMIT");
    rest.get();
    EXPECT_TRUE(wait_for(std::move(first)).at(0));
    ASSERT_EQ(errors.all().size(), 5U);
    for (const auto& error : errors.all()) EXPECT_EQ(error, errc::overloaded);
    EXPECT_EQ(state_of(instance_->store(), user).version, 12U);
}

TEST_F(Batches, WhatWaitsIsFinishedWhenClosed) {
    open({.write_sessions = 1});
    const auto user = new_user();
    std::vector<std::future<std::vector<base::Result<Created>>>> pending;
    for (int i = 0; i < 50; ++i) pending.push_back(start(instance_->store().create({for_user(user)})));
    instance_->close();
    std::size_t done = 0;
    for (auto& one : pending) {
        const auto result = wait_for(std::move(one)).at(0);
        if (result) ++done;
        EXPECT_TRUE(result || result.error() == errc::unavailable);
    }
    // Not before every answer is there: on their way back the calls still use what belongs to the instance.
    instance_.reset();
    open();
    EXPECT_EQ(state_of(instance_->store(), user).version, done) << "what was answered is there, and nothing else";
}

TEST_F(Batches, TheSameIdInTwoCallsAtOnceIsAppliedOnce) {
    open();
    for (int round = 0; round < 20; ++round) {
        const auto wanted = for_user(new_user());
        auto anothers = wanted;
        anothers.user_id = new_user();
        auto first = start(instance_->store().create({wanted}));
        auto second = start(instance_->store().create({anothers}));
        const auto one = wait_for(std::move(first)).at(0);
        const auto other = wait_for(std::move(second)).at(0);
        EXPECT_NE(one.has_value(), other.has_value());
        EXPECT_EQ(one ? other.error() : one.error(), errc::already_applied);
    }
}

}  // namespace
}  // namespace carillon::store::testing
