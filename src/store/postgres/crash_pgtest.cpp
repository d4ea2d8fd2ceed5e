#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <map>
#include <random>
#include <string>

#include "store/postgres/pgtest_fixture.hpp"

// The server, or a process that uses it, is killed in the middle of writing. Whatever had been answered must be there,
// with its event, and no count may be off.
namespace carillon::store::testing {
namespace {

using namespace std::chrono_literals;

constexpr int kWriters = 16;
constexpr std::size_t kUsers = 4;

std::vector<base::UserId> some_users() {
    std::vector<base::UserId> users;
    for (std::size_t i = 0; i < kUsers; ++i) users.push_back(new_user());
    return users;
}

// One answer: what was done, to what, and the counters that were told. A pipe takes records of this size whole or not
// at all.
struct Answered {
    char action = 0;  // 'c' created, 'r' read
    base::UserId user;
    base::NotificationId id;
    InboxState state;
};

void expect_kept(NotificationStore& store, OutboxStore& outbox, const std::vector<Answered>& answers) {
    const auto events = inbox_events(outbox);
    for (const auto& answered : answers) {
        const auto row = run(store.find(answered.user, answered.id));
        ASSERT_TRUE(row.has_value()) << "an answered creation is lost";
        EXPECT_TRUE(answered.action != 'r' || row->read_at) << "an answered read is lost";
        const auto& of_user = events.at(answered.user);
        ASSERT_LE(answered.state.version, of_user.size());
        const auto& event = of_user[answered.state.version - 1];
        EXPECT_EQ(event.notification_id, answered.id);
        EXPECT_EQ(event.unread, answered.state.unread);
    }
}

// --- The server is killed

struct Load {
    NotificationStore& store;
    std::vector<base::UserId> users;
    std::atomic<bool> stop{false};
    std::mutex mutex;
    std::vector<Answered> answers;
    std::size_t refused = 0;
    std::size_t other_errors = 0;

    template <class T>
    bool took(const base::Result<T>& result) {
        const std::lock_guard lock{mutex};
        if (result) return true;
        ++(result.error() == errc::unavailable ? refused : other_errors);
        return false;
    }
    void keep(const Answered& answered) {
        const std::lock_guard lock{mutex};
        answers.push_back(answered);
    }
    std::size_t answered() {
        const std::lock_guard lock{mutex};
        return answers.size();
    }
};

[[gnu::noinline]] loop::Task<void> write_until_stopped(Load& load, unsigned seed) {
    std::mt19937 random{seed};
    while (!load.stop) {
        const auto user = load.users[random() % load.users.size()];
        std::vector<NewNotification> batch{for_user(user)};
        auto creating = load.store.create(std::move(batch));
        const auto created = (co_await std::move(creating)).at(0);
        if (!load.took(created)) {
            auto pausing = loop::sleep_for(2ms);
            co_await std::move(pausing);
            continue;
        }
        load.keep({'c', user, created->notification.id, created->state});
        if (random() % 3 != 0) continue;
        auto reading = load.store.mark_read(user, created->notification.id, kNow, "", std::nullopt);
        const auto read = co_await std::move(reading);
        if (load.took(read)) load.keep({'r', user, read->id, read->state});
    }
}

TEST(PostgresCrash, ARemovalThatTheServerForgotIsDoneAgain) {
    // Nothing but a commit that waits for it writes the log.
    PostgresServer server{{"wal_writer_delay=10s"}};
    const auto database = server.create_database();
    Instance instance{options_for(server.url(database))};
    ASSERT_TRUE(instance.create(new_user()));
    ASSERT_TRUE(eventually([&] { return instance.heard().size() == 1; }));
    ASSERT_TRUE(run(instance.outbox().remove({instance.heard().at(0).sequence})));
    server.kill();
    server.start();
    ASSERT_TRUE(eventually([&] { return instance.create(new_user()).has_value(); }));
    ASSERT_TRUE(eventually([&] { return instance.heard().size() == 2; }));
    EXPECT_TRUE(eventually([&] { return server.sql(database, "SELECT count(*) FROM notification.outbox") == "1\n"; }))
        << "the row that was removed stays away";
}

TEST(PostgresCrash, AKilledServerLosesNothingThatWasAnswered) {
    PostgresServer server;
    const auto database = server.create_database();
    Instance instance{options_for(server.url(database))};
    Load load{instance.store(), some_users(), {}, {}, {}, 0, 0};
    std::vector<std::future<void>> writers;
    for (int i = 0; i < kWriters; ++i) writers.push_back(start(write_until_stopped(load, static_cast<unsigned>(i))));
    std::mt19937 random{std::random_device{}()};
    constexpr int kRounds = 4;
    for (int round = 0; round < kRounds; ++round) {
        const auto before = load.answered();
        const auto enough = before + 100 + random() % 400;
        ASSERT_TRUE(eventually([&] { return load.answered() >= enough; })) << "it works again after round " << round;
        server.kill();
        server.start();
    }
    const auto before = load.answered();
    ASSERT_TRUE(eventually([&] { return load.answered() > before + 100; }));
    load.stop = true;
    for (auto& writer : writers) wait_for(std::move(writer));

    EXPECT_GT(load.refused, 0U) << "the server was killed under load";
    EXPECT_EQ(load.other_errors, 0U);
    // Changes whose answer was lost have been decided when everything is through.
    ASSERT_TRUE(eventually([&] {
        return std::to_string(instance.heard().size()) + "\n" ==
               server.sql(database, "SELECT count(*) FROM notification.outbox");
    }));
    expect_kept(instance.store(), instance.outbox(), load.answers);
    expect_consistent(instance.store(), instance.outbox(), load.users);
    std::vector<std::uint64_t> heard;
    for (const auto& event : instance.heard()) heard.push_back(event.sequence);
    std::vector<std::uint64_t> stored;
    for (const auto& event : all_events(instance.outbox())) stored.push_back(event.sequence);
    EXPECT_EQ(heard, stored) << "the relay heard of each event, once, in order";
    EXPECT_EQ(server.sql(database,
                         "SELECT count(*) FROM notification.user_state s WHERE unread <> (SELECT count(*) FROM"
                         " notification.notifications n WHERE n.user_id = s.user_id AND n.read_at IS NULL)"),
              "0\n");
}

// --- The process is killed

void report(int pipe, const Answered& answered) {
    if (::write(pipe, &answered, sizeof answered) != sizeof answered) ::_exit(1);
}

[[gnu::noinline]] loop::Task<void> write_for_ever(NotificationStore& store, base::UserId user, int pipe) {
    for (;;) {
        std::vector<NewNotification> batch{for_user(user)};
        auto creating = store.create(std::move(batch));
        const auto created = (co_await std::move(creating)).at(0).value();
        report(pipe, {'c', user, created.notification.id, created.state});
        if (created.state.version % 3 != 0) continue;
        auto reading = store.mark_read(user, created.notification.id, kNow, "", std::nullopt);
        const auto read = (co_await std::move(reading)).value();
        report(pipe, {'r', user, read.id, read.state});
    }
}

// Takes over nothing: where a sanitizer makes it live for longer than a lease, what the last one left would come behind
// its own events.
[[noreturn]] void be_the_child(PostgresOptions options, const std::vector<base::UserId>& users, int pipe) {
    options.limits.adopt_every = std::chrono::hours{1};
    metrics::Registry registry;
    PostgresNotifications opened{options, test_executor(), registry};
    std::vector<loop::Task<void>> writers;
    for (int i = 0; i < kWriters; ++i) {
        writers.push_back(write_for_ever(opened.store(), users[static_cast<std::size_t>(i) % users.size()], pipe));
    }
    run_all(std::move(writers));
    ::_exit(1);
}

// Reads reports until `kill_after` of them came, kills the child, and reads the rest.
std::vector<Answered> watch_and_kill(pid_t child, int pipe, std::size_t kill_after) {
    std::vector<Answered> answers;
    Answered answered;
    while (::read(pipe, &answered, sizeof answered) == sizeof answered) {
        answers.push_back(answered);
        if (answers.size() == kill_after) ::kill(child, SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
    return answers;
}

TEST(PostgresCrash, AKilledProcessLosesNothingThatWasAnswered) {
    Database database;
    auto options = database.options;
    options.limits.outbox_lease = 1'000ms;
    options.limits.adopt_every = 100ms;
    const auto users = some_users();
    std::vector<Answered> all;
    std::mt19937 random{std::random_device{}()};
    for (int round = 0; round < 3; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe(ends.data()), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            ::close(ends[0]);
            try {
                be_the_child(options, users, ends[1]);
            } catch (...) {
                ::_exit(2);
            }
        }
        ::close(ends[1]);
        const auto answers = watch_and_kill(child, ends[0], 1 + random() % 600);
        ::close(ends[0]);
        ASSERT_FALSE(answers.empty());
        all.insert(all.end(), answers.begin(), answers.end());

        // The next instance takes over what the dead one left, in its order. It dies too, so that the one after it
        // finds everything again.
        Instance next{options};
        const auto rows = [&] { return database.sql("SELECT count(*) FROM notification.outbox"); };
        ASSERT_TRUE(eventually([&] { return std::to_string(next.heard().size()) == rows(); }));
        expect_kept(next.store(), next.outbox(), all);
        expect_consistent(next.store(), next.outbox(), users);
        EXPECT_EQ(database.wrong_counts(), "0");
        next.die();
    }
}

}  // namespace
}  // namespace carillon::store::testing
