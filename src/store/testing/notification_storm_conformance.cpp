#include <gmock/gmock.h>

#include <map>
#include <random>

#include "store/testing/conformance_parts.hpp"
#include "store/testing/notification_store_conformance.hpp"

// Many callers at once on few users: afterwards every count is exact.
namespace carillon::store::testing {

void link_notification_storm_conformance() {}

namespace {

constexpr std::size_t kCallers = 8;
constexpr std::size_t kOperations = 2'000;
constexpr std::size_t kUsers = 5;

// What the callers were told: the count of each version of a user.
using Told = std::map<base::UserId, std::map<base::Version, std::uint64_t>>;

struct Storm {
    NotificationStore& store;
    std::vector<base::UserId> users;
    std::vector<std::pair<base::UserId, base::NotificationId>> known;
    Told told;
    std::size_t contradictions = 0;

    void tell(base::UserId user, InboxState state) {
        const auto [entry, added] = told[user].emplace(state.version, state.unread);
        if (!added && entry->second != state.unread) ++contradictions;
    }
};

loop::Task<void> create_one(Storm& storm, base::UserId user) {
    std::vector<NewNotification> batch{for_user(user)};
    const auto created = (co_await storm.store.create(std::move(batch))).at(0).value();
    storm.known.emplace_back(user, created.notification.id);
    storm.tell(user, created.state);
}

loop::Task<void> read_one(Storm& storm, std::size_t pick) {
    if (storm.known.empty()) co_return;
    const auto [user, id] = storm.known[pick % storm.known.size()];
    const auto read = (co_await storm.store.mark_read(user, id, kNow, "", std::nullopt)).value();
    storm.tell(user, read.state);
}

loop::Task<void> read_up_to(Storm& storm, base::UserId user, std::size_t pick) {
    std::optional<base::Version> before;
    if (pick % 2 == 0) before = pick % 500;
    const auto read = (co_await storm.store.read_all(user, before, kNow, "", std::nullopt)).value();
    storm.tell(user, read.state);
}

loop::Task<void> look(Storm& storm, base::UserId user, std::size_t pick) {
    if (pick % 2 == 0) {
        const auto page = (co_await storm.store.list({user, 10, StatusFilter::unread, std::nullopt})).value();
        storm.tell(user, page.state);
    } else {
        const auto page = (co_await storm.store.sync(user, pick % 300, 10)).value();
        storm.tell(user, page.state);
    }
}

// Not inlined: g++ 12 would see the frame's new and delete apart and warn (-Wmismatched-new-delete).
[[gnu::noinline]] loop::Task<void> call_at_random(Storm& storm, unsigned seed) {
    std::mt19937 random{seed};
    for (std::size_t i = 0; i < kOperations; ++i) {
        const auto user = storm.users[random() % storm.users.size()];
        const std::size_t pick = random();
        switch (random() % 20) {
            case 0:
                co_await read_up_to(storm, user, pick);
                break;
            case 1:
            case 2:
                co_await look(storm, user, pick);
                break;
            case 3:
            case 4:
            case 5:
            case 6:
            case 7:
            case 8:
                co_await read_one(storm, pick);
                break;
            default:
                co_await create_one(storm, user);
        }
    }
}

}  // namespace

TEST_P(NotificationStoreConformance, CountersAreExactAfterAStorm) {
    Storm storm{store(), {}, {}, {}, 0};
    for (std::size_t i = 0; i < kUsers; ++i) storm.users.push_back(new_user());
    std::vector<loop::Task<void>> callers;
    for (std::size_t i = 0; i < kCallers; ++i) callers.push_back(call_at_random(storm, static_cast<unsigned>(i)));
    run_all(std::move(callers));

    expect_consistent(store(), outbox(), storm.users);
    EXPECT_EQ(storm.contradictions, 0U) << "one version has one count";
    const auto events = inbox_events(outbox());
    for (const auto& user : storm.users) {
        const auto& of_user = events.at(user);
        for (const auto& [version, unread] : storm.told[user]) {
            if (version == 0) continue;
            ASSERT_LE(version, of_user.size());
            EXPECT_EQ(of_user[version - 1].unread, unread) << "the caller and the event say the same";
        }
    }
}

}  // namespace carillon::store::testing
