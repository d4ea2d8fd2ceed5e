#include "store/testing/notification_store_conformance.hpp"

#include <gmock/gmock.h>

#include "contracts/bus_events.hpp"
#include "store/testing/conformance_parts.hpp"

namespace carillon::store::testing {

using ::testing::IsEmpty;
using ::testing::SizeIs;

NotificationStoreFactory notification_store_adapter(NotificationStoreFactory make) {
    link_notification_paging_conformance();
    link_notification_storm_conformance();
    link_idempotency_conformance();
    link_user_data_conformance();
    return make;
}

Created NotificationStoreConformance::create(NewNotification wanted) {
    std::vector<NewNotification> batch{std::move(wanted)};
    return run(store().create(std::move(batch))).at(0).value();
}

std::vector<Created> NotificationStoreConformance::create_many(base::UserId user, std::size_t count) {
    std::vector<NewNotification> batch;
    for (std::size_t i = 0; i < count; ++i) batch.push_back(for_user(user, "No. " + std::to_string(i + 1)));
    std::vector<Created> all;
    for (auto& created : run(store().create(std::move(batch)))) all.push_back(created.value());
    return all;
}

MarkedRead NotificationStoreConformance::mark_read(base::UserId user, base::NotificationId id, base::TimePoint now) {
    return run(store().mark_read(user, id, now, "", std::nullopt)).value();
}

ReadAll NotificationStoreConformance::read_all(base::UserId user, std::optional<base::Version> before) {
    return run(store().read_all(user, before, kNow, "", std::nullopt)).value();
}

SyncPage NotificationStoreConformance::sync(base::UserId user, base::Version since, std::uint32_t limit) {
    return run(store().sync(user, since, limit)).value();
}

NotificationPage NotificationStoreConformance::list(base::UserId user, std::uint32_t limit,
                                                    std::optional<base::Version> before, StatusFilter status) {
    return run(store().list({user, limit, status, before})).value();
}

CreatedOnce NotificationStoreConformance::create_once(std::vector<NewNotification> batch,
                                                      const IdempotencyClaim& claim) {
    return run(store().create_once(std::move(batch), claim)).value();
}

std::uint64_t NotificationStoreConformance::erase(base::UserId user) {
    std::uint64_t erased = 0;
    for (bool more = true; more;) {
        const auto step = run(user_data().erase(user, kNow, "")).value();
        erased += step.notifications;
        more = step.more;
    }
    return erased;
}

base::ErrorCode NotificationStoreConformance::refused(NewNotification wanted) {
    std::vector<NewNotification> batch{std::move(wanted)};
    return run(store().create(std::move(batch))).at(0).error();
}

// --- Create

TEST_P(NotificationStoreConformance, CreateTakesTheUsersNextVersionAndCounts) {
    const auto user = new_user();
    for (std::uint64_t n = 1; n <= 3; ++n) {
        const auto created = create(for_user(user));
        EXPECT_EQ(created.state.version, n);
        EXPECT_EQ(created.state.unread, n);
        EXPECT_EQ(created.notification.version, n);
    }
    EXPECT_EQ(create(for_user(new_user())).state.version, 1U) << "another user has other versions";
}

TEST_P(NotificationStoreConformance, CreateKeepsEveryField) {
    auto wanted = for_user(new_user(), "Grüße, 世界 \"quoted\"\n");
    wanted.body = std::string{"a body"};
    wanted.data_json = std::string{R"({"url":"/inbox","n":1.50})"};
    const auto created = create(wanted);
    const auto found = run(store().find(wanted.user_id, wanted.id)).value();
    EXPECT_EQ(found, created.notification);
    EXPECT_EQ(found.title, wanted.title);
    EXPECT_EQ(found.body, wanted.body);
    EXPECT_EQ(found.data_json, wanted.data_json);
    EXPECT_EQ(found.created_at, wanted.created_at);
    EXPECT_EQ(found.read_at, std::nullopt);
}

TEST_P(NotificationStoreConformance, CreateTellsNoBodyFromAnEmptyOne) {
    const auto user = new_user();
    auto empty = for_user(user);
    empty.body = std::string{};
    const auto without = for_user(user);
    create(empty);
    create(without);
    EXPECT_EQ(run(store().find(user, empty.id)).value().body, std::string{});
    EXPECT_EQ(run(store().find(user, without.id)).value().body, std::nullopt);
}

TEST_P(NotificationStoreConformance, CreatePutsItsEventIntoTheOutbox) {
    auto wanted = for_user(new_user());
    wanted.body = std::string{"a body"};
    wanted.data_json = std::string{R"({"url":"/inbox"})"};
    wanted.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const auto created = create(wanted);
    const auto events = all_events(outbox());
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].subject, "notification.created");
    EXPECT_EQ(events[0].traceparent, wanted.traceparent);
    const auto decoded = contracts::decode_notification_created(events[0].payload);
    ASSERT_TRUE(decoded.has_value()) << events[0].payload;
    EXPECT_EQ(decoded->event_id, events[0].event_id);
    EXPECT_EQ(decoded->notification, created.notification);
    EXPECT_EQ(decoded->unread_count, 1U);
    EXPECT_EQ(decoded->version, 1U);
}

TEST_P(NotificationStoreConformance, CreateOfAKnownIdChangesNothing) {
    const auto wanted = for_user(new_user());
    create(wanted);
    EXPECT_EQ(refused(wanted), errc::already_applied);
    auto anothers = wanted;
    anothers.user_id = new_user();
    EXPECT_EQ(refused(anothers), errc::already_applied);
    EXPECT_EQ(state_of(store(), wanted.user_id).version, 1U);
    EXPECT_EQ(state_of(store(), anothers.user_id).version, 0U);
    EXPECT_THAT(all_events(outbox()), SizeIs(1));
}

TEST_P(NotificationStoreConformance, CreateForAConsumedEventIsAppliedOnce) {
    auto first = for_user(new_user());
    first.consumed_key = "user.registered/1";
    create(first);
    auto again = for_user(first.user_id);
    again.consumed_key = first.consumed_key;
    EXPECT_EQ(refused(again), errc::already_applied);
    EXPECT_EQ(state_of(store(), first.user_id).version, 1U);
    auto other = for_user(first.user_id);
    other.consumed_key = "user.registered/2";
    EXPECT_EQ(create(other).state.version, 2U);
}

TEST_P(NotificationStoreConformance, ARefusedCreateDoesNotUseItsConsumedKey) {
    const auto wanted = for_user(new_user());
    create(wanted);
    auto same_id = wanted;
    same_id.consumed_key = "key";
    EXPECT_EQ(refused(same_id), errc::already_applied);
    auto next = for_user(wanted.user_id);
    next.consumed_key = "key";
    EXPECT_EQ(create(next).state.version, 2U);
}

TEST_P(NotificationStoreConformance, CreateOfABatchFailsPartByPart) {
    const auto user = new_user();
    const auto first = for_user(user);
    const auto last = for_user(user);
    std::vector<NewNotification> batch{first, first, last};
    const auto results = run(store().create(std::move(batch)));
    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(results[0].value().state.version, 1U);
    EXPECT_EQ(results[1].error(), errc::already_applied);
    EXPECT_EQ(results[2].value().state.version, 2U);
    EXPECT_EQ(results[2].value().notification.id, last.id);
    expect_consistent(store(), outbox(), {user});
}

TEST_P(NotificationStoreConformance, CreateOfNothingGivesNothing) {
    EXPECT_TRUE(run(store().create({})).empty());
    EXPECT_THAT(all_events(outbox()), IsEmpty());
}

TEST_P(NotificationStoreConformance, CreateOfAThousandAtOnceKeepsTheirOrder) {
    const auto user = new_user();
    const auto created = create_many(user, 1'000);
    for (std::size_t i = 0; i < created.size(); ++i) ASSERT_EQ(created[i].state.version, i + 1);
    expect_consistent(store(), outbox(), {user});
}

// --- Mark read

TEST_P(NotificationStoreConformance, MarkReadSetsTheTimeAndTakesAVersion) {
    const auto user = new_user();
    const auto created = create_many(user, 2);
    const auto& id = created[0].notification.id;
    const auto when = kNow + std::chrono::minutes{1};
    const auto read = mark_read(user, id, when);
    EXPECT_TRUE(read.changed);
    EXPECT_EQ(read.id, id);
    EXPECT_EQ(read.read_at, when);
    EXPECT_EQ(read.state.unread, 1U);
    EXPECT_EQ(read.state.version, 3U);
    const auto row = run(store().find(user, id)).value();
    EXPECT_EQ(row.read_at, when);
    EXPECT_EQ(row.version, 3U);
    const auto event = inbox_events(outbox())[user].back();
    EXPECT_EQ(event.action, "read");
    EXPECT_EQ(event.notification_id, id);
    EXPECT_EQ(event.unread, 1U);
    EXPECT_EQ(event.version, 3U);
}

TEST_P(NotificationStoreConformance, MarkReadEachAnswersEachByItself) {
    const auto one = new_user();
    const auto two = new_user();
    const auto of_one = create_many(one, 2);
    const auto of_two = create(for_user(two)).notification.id;
    mark_read(one, of_one[0].notification.id);
    std::vector<MarkRead> marks;
    marks.push_back({one, of_one[0].notification.id, {}});
    marks.push_back({two, of_one[1].notification.id, {}});  // another user's
    marks.push_back({one, of_one[1].notification.id, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"});
    marks.push_back({two, of_two, {}});
    marks.push_back({two, of_two, {}});
    const auto when = kNow + std::chrono::minutes{1};
    const auto results = run(store().mark_read_each(marks, when));
    ASSERT_EQ(results.size(), 5U);
    ASSERT_TRUE(results[0]);
    EXPECT_FALSE(results[0]->changed);
    EXPECT_EQ(results[0]->read_at, kNow);
    EXPECT_EQ(results[1].error(), errc::not_found);
    ASSERT_TRUE(results[2]);
    EXPECT_TRUE(results[2]->changed);
    EXPECT_EQ(results[2]->read_at, when);
    EXPECT_EQ(results[2]->state.unread, 0U);
    EXPECT_EQ(results[2]->state.version, 4U);
    ASSERT_TRUE(results[3] && results[4]);
    EXPECT_TRUE(results[3]->changed);
    EXPECT_FALSE(results[4]->changed);
    EXPECT_EQ(results[4]->state.version, 2U);
    expect_consistent(store(), outbox(), {one, two});
    EXPECT_TRUE(run(store().mark_read_each({}, when)).empty());
}

TEST_P(NotificationStoreConformance, MarkReadAgainGivesTheSameTimeAndTheCountersOfNow) {
    const auto user = new_user();
    const auto id = create(for_user(user)).notification.id;
    mark_read(user, id);
    create(for_user(user));
    const auto again = mark_read(user, id, kNow + std::chrono::hours{1});
    EXPECT_FALSE(again.changed);
    EXPECT_EQ(again.read_at, kNow);
    EXPECT_EQ(again.state.version, 3U);
    EXPECT_EQ(again.state.unread, 1U);
    EXPECT_EQ(run(store().find(user, id)).value().version, 2U) << "the row has not changed";
    expect_consistent(store(), outbox(), {user});
}

TEST_P(NotificationStoreConformance, NobodyReadsAnothersNotification) {
    const auto owner = new_user();
    const auto stranger = new_user();
    create(for_user(stranger));
    const auto id = create(for_user(owner)).notification.id;
    EXPECT_EQ(run(store().mark_read(stranger, id, kNow, "", std::nullopt)).error(), errc::not_found);
    EXPECT_EQ(run(store().find(stranger, id)).error(), errc::not_found);
    EXPECT_EQ(run(store().mark_read(owner, new_id(), kNow, "", std::nullopt)).error(), errc::not_found);
    EXPECT_EQ(run(store().find(owner, new_id())).error(), errc::not_found);
    EXPECT_THAT(list(stranger, 10).notifications, SizeIs(1));
    EXPECT_THAT(sync(stranger, 0).notifications, SizeIs(1));
    expect_consistent(store(), outbox(), {owner, stranger});
}

// --- Read all

TEST_P(NotificationStoreConformance, ReadAllReadsEverythingWithOneVersion) {
    const auto user = new_user();
    const auto created = create_many(user, 3);
    mark_read(user, created[1].notification.id);
    const auto result = read_all(user);
    EXPECT_EQ(result.updated, 2U);
    EXPECT_EQ(result.state.unread, 0U);
    EXPECT_EQ(result.state.version, 5U);
    const auto first = run(store().find(user, created[0].notification.id)).value();
    EXPECT_EQ(first.read_at, kNow);
    EXPECT_EQ(first.version, 1U) << "the rows keep their versions";
    const auto event = inbox_events(outbox())[user].back();
    EXPECT_EQ(event.action, "read-all");
    EXPECT_EQ(event.notification_id, std::nullopt);
    EXPECT_EQ(event.before, 4U) << "all there was";
    expect_consistent(store(), outbox(), {user});
}

TEST_P(NotificationStoreConformance, ReadAllLeavesWhatCameAfterItsWatermark) {
    const auto user = new_user();
    const auto created = create_many(user, 5);
    const auto result = read_all(user, 3);
    EXPECT_EQ(result.updated, 3U);
    EXPECT_EQ(result.state.unread, 2U);
    EXPECT_TRUE(run(store().find(user, created[2].notification.id)).value().read_at) << "the watermark is included";
    EXPECT_FALSE(run(store().find(user, created[3].notification.id)).value().read_at);
    EXPECT_EQ(inbox_events(outbox())[user].back().before, 3U) << "and told to those who show it";
}

TEST_P(NotificationStoreConformance, ReadAllWithNothingToReadChangesNothing) {
    const auto user = new_user();
    EXPECT_EQ(read_all(user).state.version, 0U);
    create_many(user, 2);
    EXPECT_EQ(read_all(user, 0).updated, 0U);
    read_all(user);
    const auto again = read_all(user);
    EXPECT_EQ(again.updated, 0U);
    EXPECT_EQ(again.state.version, 3U);
    expect_consistent(store(), outbox(), {user});
}

TEST_P(NotificationStoreConformance, ReadAllOfTheFutureEndsAtNow) {
    const auto user = new_user();
    create_many(user, 2);
    EXPECT_EQ(read_all(user, 1'000).updated, 2U);
    EXPECT_EQ(sync(user, 0).read_all_before, 2U);
    EXPECT_EQ(create(for_user(user)).state.unread, 1U);
}

TEST_P(NotificationStoreConformance, ReadAllTouchesNobodyElse) {
    const auto user = new_user();
    const auto other = new_user();
    create_many(user, 2);
    create_many(other, 2);
    read_all(user);
    EXPECT_EQ(state_of(store(), other).unread, 2U);
    expect_consistent(store(), outbox(), {user, other});
}

// --- Counts and health

TEST_P(NotificationStoreConformance, CountsComeInTheOrderAsked) {
    const auto one = new_user();
    const auto nobody = new_user();
    const auto two = new_user();
    create_many(one, 1);
    create_many(two, 2);
    const auto counts = run(store().counts({two, nobody, one, two})).value();
    ASSERT_THAT(counts, SizeIs(4));
    EXPECT_EQ(counts[0].user_id, two);
    EXPECT_EQ(counts[0].state.unread, 2U);
    EXPECT_EQ(counts[1].user_id, nobody);
    EXPECT_EQ(counts[1].state.unread, 0U);
    EXPECT_EQ(counts[1].state.version, 0U);
    EXPECT_EQ(counts[2].state.version, 1U);
    EXPECT_EQ(counts[3].user_id, two);
    EXPECT_THAT(run(store().counts({})).value(), IsEmpty());
}

TEST_P(NotificationStoreConformance, CheckSaysThatItWorks) {
    EXPECT_TRUE(run(store().check()).has_value());
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NotificationStoreConformance);

}  // namespace carillon::store::testing
