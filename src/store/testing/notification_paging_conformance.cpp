#include <gmock/gmock.h>

#include <set>

#include "store/testing/conformance_parts.hpp"
#include "store/testing/notification_store_conformance.hpp"

// Lists and sync: what a page holds, and how pages follow each other.
namespace carillon::store::testing {

using ::testing::IsEmpty;
using ::testing::SizeIs;

void link_notification_paging_conformance() {}

namespace {

constexpr std::size_t kSyncPagedRows = 450;

std::vector<base::Version> versions(const std::vector<contracts::Notification>& rows) {
    std::vector<base::Version> all;
    for (const auto& row : rows) all.push_back(row.version);
    return all;
}

// All pages of a sync, one after the other; what the caller sees is the last page with the rows of all.
SyncPage sync_to_the_end(NotificationStore& store, base::UserId user, base::Version since, std::uint32_t limit) {
    std::vector<contracts::Notification> rows;
    for (;;) {
        auto page = run(store.sync(user, since, limit)).value();
        EXPECT_LE(page.notifications.size(), limit);
        rows.insert(rows.end(), page.notifications.begin(), page.notifications.end());
        if (page.reset || !page.has_more || page.notifications.empty()) {
            page.notifications = std::move(rows);
            return page;
        }
        since = page.notifications.back().version;
    }
}

}  // namespace

// --- List

TEST_P(NotificationStoreConformance, ListGivesTheNewestFirstWithTheCounters) {
    const auto user = new_user();
    const auto created = create_many(user, 3);
    mark_read(user, created[0].notification.id);
    const auto page = list(user, 10);
    ASSERT_THAT(page.notifications, SizeIs(3));
    EXPECT_EQ(page.notifications[0].id, created[2].notification.id);
    EXPECT_EQ(page.notifications[2].id, created[0].notification.id) << "reading does not move a notification";
    EXPECT_EQ(page.state.unread, 2U);
    EXPECT_EQ(page.state.version, 4U);
    EXPECT_EQ(page.next_before, std::nullopt);
}

TEST_P(NotificationStoreConformance, ListOfAnUnknownUserIsEmpty) {
    const auto page = list(new_user(), 10);
    EXPECT_THAT(page.notifications, IsEmpty());
    EXPECT_EQ(page.state.version, 0U);
    EXPECT_EQ(page.next_before, std::nullopt);
}

TEST_P(NotificationStoreConformance, ListEndsWithoutAnEmptyPage) {
    const auto user = new_user();
    create_many(user, 4);
    const auto first = list(user, 2);
    ASSERT_TRUE(first.next_before.has_value());
    const auto second = list(user, 2, first.next_before);
    EXPECT_THAT(second.notifications, SizeIs(2));
    EXPECT_EQ(second.next_before, std::nullopt);
}

TEST_P(NotificationStoreConformance, ListFiltersByStatus) {
    const auto user = new_user();
    const auto created = create_many(user, 6);
    for (const std::size_t i : {0U, 2U, 4U}) mark_read(user, created[i].notification.id);
    for (const auto status : {StatusFilter::read, StatusFilter::unread}) {
        const auto first = list(user, 2, std::nullopt, status);
        ASSERT_TRUE(first.next_before.has_value());
        const auto second = list(user, 2, first.next_before, status);
        ASSERT_THAT(second.notifications, SizeIs(1));
        EXPECT_EQ(second.next_before, std::nullopt);
        const std::size_t offset = status == StatusFilter::read ? 0 : 1;
        EXPECT_EQ(first.notifications[0].id, created[4 + offset].notification.id);
        EXPECT_EQ(first.notifications[1].id, created[2 + offset].notification.id);
        EXPECT_EQ(second.notifications[0].id, created[offset].notification.id);
    }
}

namespace {

loop::Task<void> keep_creating(NotificationStore& store, base::UserId user, const bool& done) {
    while (!done) {
        std::vector<NewNotification> batch{for_user(user)};
        (co_await store.create(std::move(batch))).at(0).value();
    }
}

loop::Task<void> page_through(NotificationStore& store, base::UserId user, std::vector<base::NotificationId>& seen,
                              bool& done) {
    ListQuery query{user, 7, StatusFilter::all, std::nullopt};
    do {
        const auto page = (co_await store.list(query)).value();
        for (const auto& row : page.notifications) seen.push_back(row.id);
        query.before = page.next_before;
    } while (query.before);
    done = true;
}

}  // namespace

TEST_P(NotificationStoreConformance, ListHasNoGapAndNoRepeatWhileOthersAreCreated) {
    const auto user = new_user();
    const auto before = create_many(user, 200);
    std::vector<base::NotificationId> seen;
    bool done = false;
    std::vector<loop::Task<void>> tasks;
    tasks.push_back(keep_creating(store(), user, done));
    tasks.push_back(page_through(store(), user, seen, done));
    run_all(std::move(tasks));
    const std::set<base::NotificationId> unique{seen.begin(), seen.end()};
    EXPECT_EQ(unique.size(), seen.size()) << "no repeat";
    for (const auto& created : before) EXPECT_TRUE(unique.contains(created.notification.id)) << "no gap";
    EXPECT_GT(state_of(store(), user).version, 200U) << "nothing was created meanwhile";
}

// --- Sync

TEST_P(NotificationStoreConformance, SyncFromZeroGivesEverything) {
    const auto user = new_user();
    create_many(user, 3);
    const auto page = sync(user, 0);
    EXPECT_FALSE(page.reset);
    EXPECT_EQ(versions(page.notifications), (std::vector<base::Version>{1, 2, 3}));
    EXPECT_EQ(page.state.version, 3U);
    EXPECT_EQ(page.state.unread, 3U);
    EXPECT_FALSE(page.has_more);
    EXPECT_EQ(page.read_all_before, std::nullopt);
}

TEST_P(NotificationStoreConformance, SyncOfAnUnknownUserIsEmpty) {
    const auto page = sync(new_user(), 0);
    EXPECT_FALSE(page.reset);
    EXPECT_EQ(page.state.version, 0U);
    EXPECT_THAT(page.notifications, IsEmpty());
}

TEST_P(NotificationStoreConformance, SyncGivesTheStateOfWhatChangedOldestChangeFirst) {
    const auto user = new_user();
    const auto created = create_many(user, 4);
    mark_read(user, created[0].notification.id);
    const auto page = sync(user, 3);
    EXPECT_EQ(versions(page.notifications), (std::vector<base::Version>{4, 5}));
    EXPECT_EQ(page.notifications[1].id, created[0].notification.id);
    EXPECT_TRUE(page.notifications[1].read_at);
    EXPECT_EQ(page.created_versions, (std::vector<base::Version>{4, 1}));
    EXPECT_THAT(sync(user, 5).notifications, IsEmpty());
}

TEST_P(NotificationStoreConformance, SyncTellsOfAReadAllOnce) {
    const auto user = new_user();
    create_many(user, 3);
    read_all(user, 2);
    const auto page = sync(user, 3);
    EXPECT_EQ(page.read_all_before, 2U);
    EXPECT_THAT(page.notifications, IsEmpty()) << "one entry, however many rows it read";
    EXPECT_EQ(page.state.version, 4U);
    EXPECT_EQ(sync(user, 4).read_all_before, std::nullopt);
    read_all(user);
    EXPECT_EQ(sync(user, 3).read_all_before, 4U) << "the newest watermark";
}

TEST_P(NotificationStoreConformance, SyncGoesOnFromTheLastRow) {
    const auto user = new_user();
    create_many(user, kSyncPagedRows);
    read_all(user, 10);
    for (const std::uint32_t limit : {1U, 7U, 100U, 500U}) {
        const auto page = sync_to_the_end(store(), user, 0, limit);
        EXPECT_FALSE(page.reset) << "limit " << limit;
        ASSERT_THAT(page.notifications, SizeIs(kSyncPagedRows)) << "limit " << limit;
        EXPECT_EQ(page.notifications.front().version, 1U);
        EXPECT_EQ(page.notifications.back().version, kSyncPagedRows);
        EXPECT_EQ(page.read_all_before, 10U);
    }
}

TEST_P(NotificationStoreConformance, SyncOfFiveHundredChangesIsNoReset) {
    const auto user = new_user();
    create_many(user, 501);
    EXPECT_FALSE(sync(user, 1).reset);
    const auto page = sync(user, 0, 20);
    EXPECT_TRUE(page.reset);
    EXPECT_FALSE(page.has_more);
    ASSERT_THAT(page.notifications, SizeIs(20));
    EXPECT_EQ(page.notifications.front().version, 482U) << "a snapshot of the newest";
    EXPECT_THAT(page.created_versions, IsEmpty());
    EXPECT_EQ(page.notifications.back().version, 501U);
}

TEST_P(NotificationStoreConformance, SyncFromTheFutureIsAReset) {
    const auto user = new_user();
    create_many(user, 3);
    const auto page = sync(user, 4, 2);
    EXPECT_TRUE(page.reset);
    EXPECT_EQ(versions(page.notifications), (std::vector<base::Version>{2, 3}));
    EXPECT_EQ(page.state.version, 3U);
    EXPECT_TRUE(sync(new_user(), 1).reset);
    EXPECT_TRUE(sync(user, (std::uint64_t{1} << 63U) - 1).reset);
}

TEST_P(NotificationStoreConformance, SyncCutsAPageAtItsBytes) {
    const auto user = new_user();
    std::vector<NewNotification> batch;
    for (int i = 0; i < 100; ++i) {
        batch.push_back(for_user(user));
        batch.back().body = std::string(4'000, 'x');
    }
    run(store().create(std::move(batch)));
    const auto page = sync(user, 0);
    EXPECT_TRUE(page.has_more);
    std::string json;
    for (const auto& row : page.notifications) contracts::append_notification(json, row);
    EXPECT_LE(json.size(), 256U * 1024);
    EXPECT_GT(json.size(), 240U * 1024) << "a page is as full as it can be";
    EXPECT_THAT(sync_to_the_end(store(), user, 0, 100).notifications, SizeIs(100));
}

TEST_P(NotificationStoreConformance, SyncGivesARowThatIsLargerThanAPageByItself) {
    const auto user = new_user();
    for (int i = 0; i < 2; ++i) {
        auto large = for_user(user);
        large.body = std::string(300'000, 'x');
        create(large);
    }
    const auto page = sync(user, 0);
    EXPECT_THAT(page.notifications, SizeIs(1));
    EXPECT_TRUE(page.has_more);
    EXPECT_THAT(sync_to_the_end(store(), user, 0, 100).notifications, SizeIs(2));
}

}  // namespace carillon::store::testing
