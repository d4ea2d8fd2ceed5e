#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <map>
#include <random>
#include <string>

#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_notification_store.hpp"
#include "store/sqlite/sqlite_outbox_store.hpp"
#include "store/testing/consistency.hpp"
#include "store/testing/drive.hpp"
#include "store/testing/sample_notifications.hpp"
#include "store/testing/temp_directory.hpp"

// A process writes as fast as it can and is killed in the middle. Whatever it had answered must be there.
namespace carillon::store {
namespace {

constexpr int kRounds = 6;
constexpr int kWriters = 16;

// One answer, as the child reports it: what was done, to what, and the counters it was told. A pipe takes records of
// this size whole or not at all.
struct Answered {
    char action = 0;  // 'c' created, 'r' read
    base::UserId user;
    base::NotificationId id;
    InboxState state;
};

SqliteOptions options_for(const testing::TempDirectory& directory) {
    SqliteOptions options;
    options.directory = directory.path();
    return options;
}

void report(int pipe, const Answered& answered) {
    if (::write(pipe, &answered, sizeof answered) != sizeof answered) ::_exit(1);
}

loop::Task<void> write_for_ever(NotificationStore& store, base::UserId user, int pipe) {
    for (;;) {
        std::vector<NewNotification> batch{testing::for_user(user)};
        const auto created = (co_await store.create(std::move(batch))).at(0).value();
        report(pipe, {'c', user, created.notification.id, created.state});
        if (created.state.version % 3 != 0) continue;
        const auto read =
            (co_await store.mark_read(user, created.notification.id, testing::kNow, "", std::nullopt)).value();
        report(pipe, {'r', user, read.id, read.state});
    }
}

[[noreturn]] void be_the_child(const testing::TempDirectory& directory, const std::vector<base::UserId>& users,
                               int pipe) {
    metrics::Registry registry;
    SqliteDatabase database{options_for(directory), registry};
    SqliteNotificationStore store{database};
    std::vector<loop::Task<void>> writers;
    for (int i = 0; i < kWriters; ++i) {
        writers.push_back(write_for_ever(store, users[static_cast<std::size_t>(i) % users.size()], pipe));
    }
    testing::run_all(std::move(writers));
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

void expect_kept(NotificationStore& store, OutboxStore& outbox, const std::vector<Answered>& answers) {
    const auto events = testing::inbox_events(outbox);
    for (const auto& answered : answers) {
        const auto row = testing::run(store.find(answered.user, answered.id));
        ASSERT_TRUE(row.has_value()) << "an answered creation is lost";
        EXPECT_TRUE(answered.action != 'r' || row->read_at) << "an answered read is lost";
        const auto& of_user = events.at(answered.user);
        ASSERT_LE(answered.state.version, of_user.size());
        const auto& event = of_user[answered.state.version - 1];
        EXPECT_EQ(event.notification_id, answered.id);
        EXPECT_EQ(event.unread, answered.state.unread);
    }
}

TEST(SqliteCrash, LosesNothingThatWasAnswered) {
    const testing::TempDirectory directory;
    std::vector<base::UserId> users;
    for (int i = 0; i < 4; ++i) users.push_back(testing::new_user());
    std::mt19937 random{std::random_device{}()};
    for (int round = 0; round < kRounds; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe(ends.data()), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            ::close(ends[0]);
            try {
                be_the_child(directory, users, ends[1]);
            } catch (...) {
                ::_exit(2);
            }
        }
        ::close(ends[1]);
        const auto answers = watch_and_kill(child, ends[0], 1 + random() % 600);
        ::close(ends[0]);
        ASSERT_FALSE(answers.empty());

        metrics::Registry registry;
        SqliteDatabase database{options_for(directory), registry};
        SqliteNotificationStore store{database};
        SqliteOutboxStore outbox{database, OutboxName::notification};
        expect_kept(store, outbox, answers);
        testing::expect_consistent(store, outbox, users);
        EXPECT_EQ(testing::run(outbox.pending_count()).value(), testing::all_events(outbox).size());
    }
}

}  // namespace
}  // namespace carillon::store
