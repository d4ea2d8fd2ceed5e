#include <gmock/gmock.h>

#include <map>
#include <random>

#include "store/postgres/pgtest_fixture.hpp"

// Several instances of the service on one database.
namespace carillon::store::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::map<base::EventId, int> times_heard(std::initializer_list<Instance*> instances) {
    std::map<base::EventId, int> times;
    for (auto* instance : instances) {
        for (const auto& event : instance->heard()) ++times[event.event_id];
    }
    return times;
}

class Instances : public ::testing::Test {
 protected:
    Instances() {
        options_ = database_.options;
        options_.limits.outbox_lease = 1'000ms;
        options_.limits.adopt_every = 100ms;
    }
    std::unique_ptr<Instance> open() { return std::make_unique<Instance>(options_); }
    static void create_some(Instance& instance, int count) {
        for (int i = 0; i < count; ++i) ASSERT_TRUE(instance.create(new_user()));
    }

    // Until every lease that was running has been renewed past its end, so that one that was not would have been
    // noticed.
    void live_through_a_lease() {
        const auto last_end = database_.sql("SELECT max(expires_at) FROM notification.outbox_lease");
        ASSERT_TRUE(eventually([&] {
            return database_.sql("SELECT min(expires_at) > '" + last_end +
                                 "'::timestamptz + interval '1 s' FROM notification.outbox_lease") == "t";
        }));
    }

    Database database_;
    PostgresOptions options_;
};

TEST_F(Instances, EachHearsAndSeesWhatItCommitted) {
    const auto one = open();
    const auto two = open();
    create_some(*one, 3);
    create_some(*two, 4);
    live_through_a_lease();
    EXPECT_THAT(one->heard(), SizeIs(3));
    EXPECT_THAT(two->heard(), SizeIs(4));
    EXPECT_THAT(all_events(one->outbox()), SizeIs(3));
    EXPECT_THAT(all_events(two->outbox()), SizeIs(4));
    EXPECT_EQ(run(one->outbox().pending_count()).value(), 3U);
}

TEST_F(Instances, WhatADeadOneLeftIsAdoptedOnceInItsOrder) {
    const auto one = open();
    const auto two = open();
    auto three = open();
    const auto user = new_user();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(three->create(user));
    three->die();
    const auto died = std::chrono::steady_clock::now();
    ASSERT_TRUE(eventually([&] { return one->heard().size() + two->heard().size() == 20; }));
    EXPECT_LT(std::chrono::steady_clock::now() - died, options_.limits.outbox_lease + 2s);
    for (const auto& [id, times] : times_heard({one.get(), two.get()})) EXPECT_EQ(times, 1);
    for (auto* adopter : {one.get(), two.get()}) {
        const auto pending = all_events(adopter->outbox());
        ASSERT_EQ(pending.size(), adopter->heard().size());
        for (std::size_t i = 0; i < pending.size(); ++i) {
            EXPECT_EQ(pending[i].event_id, adopter->heard()[i].event_id);
            EXPECT_EQ(pending[i].sequence, adopter->heard()[i].sequence);
        }
    }
    expect_consistent(one->store(), two->heard().empty() ? one->outbox() : two->outbox(), {user});
}

TEST_F(Instances, WhatOneLeavesThatStopsIsAdoptedAtOnce) {
    options_.limits.outbox_lease = 60s;
    const auto one = open();
    auto two = open();
    create_some(*two, 5);
    two.reset();
    EXPECT_TRUE(eventually([&] { return one->heard().size() == 5; }, 2s));
    EXPECT_EQ(database_.sql("SELECT count(*) FROM notification.outbox_lease"), "1");
}

TEST_F(Instances, AFrozenOneLosesItsEventsAndGoesOnWhenItWakes) {
    const auto one = open();
    const auto two = open();
    create_some(*two, 5);
    two->freeze();
    ASSERT_TRUE(eventually([&] { return one->heard().size() == 5; }));
    two->thaw();
    create_some(*two, 3);
    EXPECT_TRUE(eventually([&] { return all_events(two->outbox()).size() == 3; }));
    // It removes what it published before: those rows are the adopter's now, who publishes them, too.
    std::vector<std::uint64_t> all_of_mine;
    for (std::uint64_t i = 1; i <= 5; ++i) all_of_mine.push_back(i);
    EXPECT_TRUE(run(two->outbox().remove(all_of_mine)));
    EXPECT_THAT(all_events(one->outbox()), SizeIs(5));
    live_through_a_lease();
    EXPECT_THAT(one->heard(), SizeIs(5)) << "it is alive again, and keeps what is its own";
}

TEST_F(Instances, ALongBacklogIsAdoptedInPieces) {
    auto two = open();
    std::vector<NewNotification> batch;
    const auto user = new_user();
    for (int i = 0; i < 1'700; ++i) batch.push_back(for_user(user));
    for (const auto& created : run(two->store().create(std::move(batch)))) ASSERT_TRUE(created);
    two->die();
    const auto one = open();
    ASSERT_TRUE(eventually([&] { return one->heard().size() == 1'700; }));
    expect_consistent(one->store(), one->outbox(), {user});
}

TEST_F(Instances, RemovedEventsAreNotAdopted) {
    auto two = open();
    create_some(*two, 5);
    const auto events = all_events(two->outbox());
    ASSERT_TRUE(run(two->outbox().remove({events[0].sequence, events[2].sequence})));
    two->die();
    const auto one = open();
    ASSERT_TRUE(eventually([&] { return one->heard().size() == 3; }));
    EXPECT_EQ(one->heard()[0].event_id, events[1].event_id);
    EXPECT_EQ(one->heard()[1].event_id, events[3].event_id);
}

// --- Writing side by side

struct Hunt {
    std::vector<Instance*> instances;
    std::vector<base::UserId> users;
    std::chrono::steady_clock::time_point until;
    std::vector<std::pair<base::UserId, base::NotificationId>> known;
    std::size_t done = 0;
    std::vector<base::ErrorCode> errors;
};

// Mixes all changes, and calls with many users at once, which are the ones that could lock each other out.
[[gnu::noinline]] loop::Task<void> hunt(Hunt& hunt, unsigned seed) {
    std::mt19937 random{seed};
    while (std::chrono::steady_clock::now() < hunt.until) {
        auto& store = hunt.instances[random() % hunt.instances.size()]->store();
        const auto user = hunt.users[random() % hunt.users.size()];
        const auto kind = random() % 10;
        base::ErrorCode error;
        if (kind < 5) {
            std::vector<NewNotification> batch{for_user(user)};
            auto creating = store.create(std::move(batch));
            auto created = (co_await std::move(creating)).at(0);
            if (created) {
                hunt.known.emplace_back(user, created->notification.id);
            } else {
                error = created.error();
            }
        } else if (kind < 8 && !hunt.known.empty()) {
            const auto [owner, id] = hunt.known[random() % hunt.known.size()];
            auto reading = store.mark_read(owner, id, kNow, "", std::nullopt);
            const auto read = co_await std::move(reading);
            if (!read) error = read.error();
        } else if (kind < 9) {
            auto reading = store.read_all(user, std::nullopt, kNow, "", std::nullopt);
            const auto read = co_await std::move(reading);
            if (!read) error = read.error();
        } else {
            std::vector<NewNotification> batch;
            for (int i = 0; i < 5; ++i) batch.push_back(for_user(hunt.users[random() % hunt.users.size()]));
            auto creating = store.create_once(std::move(batch), claim_of(user, std::to_string(random())));
            const auto created = co_await std::move(creating);
            if (!created) error = created.error();
        }
        ++hunt.done;
        if (error) hunt.errors.push_back(error);
    }
}

TEST_F(Instances, SixtyFourWritersOnTenUsersAllSucceed) {
    const auto one = open();
    const auto two = open();
    const auto seconds =
        std::getenv("CARILLON_FULL") != nullptr && std::string{std::getenv("CARILLON_FULL")} == "1" ? 30s : 4s;
    Hunt shared{{one.get(), two.get()}, {}, std::chrono::steady_clock::now() + seconds, {}, 0, {}};
    for (int i = 0; i < 10; ++i) shared.users.push_back(new_user());
    std::vector<loop::Task<void>> writers;
    for (unsigned i = 0; i < 64; ++i) writers.push_back(hunt(shared, i));
    run_all(std::move(writers));
    EXPECT_THAT(shared.errors, IsEmpty()) << shared.errors.size() << " of " << shared.done << " failed";
    std::cout << "        " << shared.done << " changes in " << seconds.count() << " s\n";
    EXPECT_EQ(database_.wrong_counts(), "0");
    // A batch that PostgreSQL breaks off is run again, and nobody hears of it; but that must stay rare.
    const auto deadlocks =
        std::stoul(database_.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"));
    std::cout << "        " << deadlocks << " deadlocks\n";
    EXPECT_LE(deadlocks, 3U);
    // Versions are dense: each is one event, whichever instance committed it.
    EXPECT_EQ(database_.sql("SELECT count(*) FROM notification.user_state s WHERE version <> (SELECT count(*) FROM"
                            " notification.outbox o WHERE o.user_id = s.user_id)"),
              "0");
    EXPECT_EQ(database_.sql("SELECT count(*) FROM (SELECT DISTINCT user_id, payload::json ->> 'version' FROM"
                            " notification.outbox) v"),
              database_.sql("SELECT count(*) FROM notification.outbox"));
}

TEST_F(Instances, OfOneKeyAtOnceOnTwoOneIsDone) {
    const auto one = open();
    const auto two = open();
    const auto user = new_user();
    for (int round = 0; round < 30; ++round) {
        const auto claim = claim_of(user, std::to_string(round));
        auto first = start(one->store().create_once({for_user(user)}, claim));
        auto second = start(two->store().create_once({for_user(user)}, claim));
        const auto answers = {wait_for(std::move(first)), wait_for(std::move(second))};
        int done = 0;
        for (const auto& answer : answers) {
            if (answer && !answer->replayed) ++done;
            EXPECT_TRUE(answer || answer.error() == errc::in_flight) << answer.error().message();
        }
        EXPECT_EQ(done, 1);
    }
    EXPECT_EQ(state_of(one->store(), user).version, 30U);
}

}  // namespace
}  // namespace carillon::store::testing
