#include <gmock/gmock.h>

#include "store/testing/conformance_parts.hpp"
#include "store/testing/notification_store_conformance.hpp"

// Calls with an idempotency claim: done once, answered as often as one asks.
namespace carillon::store::testing {

using ::testing::SizeIs;

void link_idempotency_conformance() {}

namespace {

std::vector<contracts::Notification> rows_of(const CreatedOnce& created) {
    std::vector<contracts::Notification> rows;
    for (const auto& item : created.items) rows.push_back(item.value());
    return rows;
}

std::vector<NewNotification> one_for(base::UserId user) {
    return {for_user(user)};
}

}  // namespace

// --- Create

TEST_P(NotificationStoreConformance, CreateOnceCreatesOnceAndAnswersTheSame) {
    const auto user = new_user();
    const auto claim = claim_of(user, "k");
    const auto first = create_once(one_for(user), claim);
    EXPECT_FALSE(first.replayed);
    ASSERT_EQ(first.items.size(), 1U);
    EXPECT_EQ(first.items[0].value().version, 1U);
    // A retry has a new id and a later time; they are not taken.
    auto later = claim;
    later.now = kNow + std::chrono::hours{1};
    const auto again = create_once(one_for(user), later);
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(rows_of(again), rows_of(first));
    EXPECT_EQ(state_of(store(), user).version, 1U);
    expect_consistent(store(), outbox(), {user});
}

TEST_P(NotificationStoreConformance, CreateOnceAnswersAsItWasThen) {
    const auto user = new_user();
    const auto claim = claim_of(user, "k");
    const auto first = rows_of(create_once(one_for(user), claim));
    mark_read(user, first[0].id);
    create(for_user(user));
    const auto again = rows_of(create_once(one_for(user), claim));
    EXPECT_EQ(again, first) << "unread, and with the version of its creation";
}

TEST_P(NotificationStoreConformance, CreateOnceKeepsEveryFieldForTheReplay) {
    const auto user = new_user();
    auto wanted = for_user(user, "Grüße \"quoted\"\n");
    wanted.body = std::string{};
    wanted.data_json = std::string{R"({"url":"/inbox","n":1.50})"};
    const auto claim = claim_of(user, "k");
    const auto first = rows_of(create_once({wanted}, claim));
    EXPECT_EQ(first[0].id, wanted.id);
    EXPECT_EQ(first[0].data_json, wanted.data_json);
    EXPECT_EQ(rows_of(create_once({wanted}, claim)), first);
}

TEST_P(NotificationStoreConformance, CreateOnceOfAThousandIsOneUnitInItsOrder) {
    const auto one = new_user();
    const auto two = new_user();
    std::vector<NewNotification> batch;
    for (std::size_t i = 0; i < kCreateOnceMax; ++i) batch.push_back(for_user(i % 2 == 0 ? one : two));
    const auto claim = claim_of(one, "bulk");
    const auto first = rows_of(create_once(batch, claim));
    ASSERT_THAT(first, SizeIs(kCreateOnceMax));
    for (std::size_t i = 0; i < first.size(); ++i) ASSERT_EQ(first[i].id, batch[i].id);
    EXPECT_EQ(rows_of(create_once(batch, claim)), first);
    EXPECT_EQ(state_of(store(), one).unread, kCreateOnceMax / 2);
    expect_consistent(store(), outbox(), {one, two});
}

TEST_P(NotificationStoreConformance, CreateOnceIsAllOrNothing) {
    const auto user = new_user();
    const auto known = for_user(user);
    create(known);
    const auto claim = claim_of(user, "k");
    const auto fresh = for_user(user);
    EXPECT_EQ(run(store().create_once({fresh, known}, claim)).error(), errc::already_applied);
    EXPECT_EQ(run(store().create_once({fresh, fresh}, claim)).error(), errc::already_applied);
    EXPECT_EQ(run(store().find(user, fresh.id)).error(), errc::not_found);
    EXPECT_EQ(state_of(store(), user).version, 1U);
    EXPECT_FALSE(create_once({fresh}, claim).replayed) << "a refused call has not used its key";
    expect_consistent(store(), outbox(), {user});
}

TEST_P(NotificationStoreConformance, AKeyIsForOneRequest) {
    const auto user = new_user();
    create_once(one_for(user), claim_of(user, "k", "one"));
    const auto other = claim_of(user, "k", "another");
    EXPECT_EQ(run(store().create_once(one_for(user), other)).error(), errc::key_reused);
    EXPECT_EQ(run(store().mark_read(user, new_id(), kNow, "", other)).error(), errc::key_reused);
    EXPECT_EQ(run(store().read_all(user, std::nullopt, kNow, "", other)).error(), errc::key_reused);
    EXPECT_EQ(state_of(store(), user).version, 1U);
    EXPECT_TRUE(create_once(one_for(user), claim_of(user, "k", "one")).replayed);
}

TEST_P(NotificationStoreConformance, AnotherKeyIsAnotherCall) {
    const auto user = new_user();
    create_once(one_for(user), claim_of(user, "a"));
    EXPECT_FALSE(create_once(one_for(user), claim_of(user, "b")).replayed);
    EXPECT_FALSE(create_once(one_for(user), claim_of(new_user(), "a")).replayed) << "another caller's";
    EXPECT_EQ(state_of(store(), user).version, 3U);
}

// --- Mark read and read all

TEST_P(NotificationStoreConformance, MarkReadOnceAnswersAsItWasThen) {
    const auto user = new_user();
    const auto id = create(for_user(user)).notification.id;
    const auto claim = claim_of(user, "k");
    const auto first = run(store().mark_read(user, id, kNow, "", claim)).value();
    EXPECT_TRUE(first.changed);
    EXPECT_FALSE(first.replayed);
    create(for_user(user));
    const auto again = run(store().mark_read(user, id, kNow + std::chrono::minutes{1}, "", claim)).value();
    EXPECT_TRUE(again.replayed);
    EXPECT_FALSE(again.changed);
    EXPECT_EQ(again.id, id);
    EXPECT_EQ(again.read_at, kNow);
    EXPECT_EQ(again.state.unread, 0U) << "of then";
    EXPECT_EQ(again.state.version, 2U);
    expect_consistent(store(), outbox(), {user});
}

TEST_P(NotificationStoreConformance, MarkReadOnceOfAReadOneKeepsItsAnswerToo) {
    const auto user = new_user();
    const auto id = create(for_user(user)).notification.id;
    mark_read(user, id);
    const auto claim = claim_of(user, "k");
    EXPECT_FALSE(run(store().mark_read(user, id, kNow, "", claim)).value().replayed);
    create(for_user(user));
    const auto again = run(store().mark_read(user, id, kNow, "", claim)).value();
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.state.version, 2U);
}

TEST_P(NotificationStoreConformance, MarkReadOnceOfNothingStaysNothing) {
    const auto user = new_user();
    const auto wanted = for_user(user);
    const auto claim = claim_of(user, "k");
    EXPECT_EQ(run(store().mark_read(user, wanted.id, kNow, "", claim)).error(), errc::not_found);
    create(wanted);
    EXPECT_EQ(run(store().mark_read(user, wanted.id, kNow, "", claim)).error(), errc::not_found_before);
    EXPECT_FALSE(run(store().find(user, wanted.id)).value().read_at);
}

TEST_P(NotificationStoreConformance, ReadAllOnceAnswersAsItWasThen) {
    const auto user = new_user();
    create_many(user, 3);
    const auto claim = claim_of(user, "k");
    const auto first = run(store().read_all(user, std::nullopt, kNow, "", claim)).value();
    EXPECT_EQ(first.updated, 3U);
    EXPECT_FALSE(first.replayed);
    create(for_user(user));
    const auto again = run(store().read_all(user, std::nullopt, kNow, "", claim)).value();
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.updated, 3U);
    EXPECT_EQ(again.state.unread, 0U);
    EXPECT_EQ(again.state.version, 4U);
    EXPECT_EQ(state_of(store(), user).unread, 1U) << "what came after it is unread";
    expect_consistent(store(), outbox(), {user});
}

TEST_P(NotificationStoreConformance, ReadAllOnceOfNothingKeepsItsAnswerToo) {
    const auto user = new_user();
    const auto claim = claim_of(user, "k");
    EXPECT_FALSE(run(store().read_all(user, std::nullopt, kNow, "", claim)).value().replayed);
    create(for_user(user));
    const auto again = run(store().read_all(user, std::nullopt, kNow, "", claim)).value();
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.updated, 0U);
    EXPECT_EQ(again.state.version, 0U);
}

// --- How long

TEST_P(NotificationStoreConformance, AKeyExpires) {
    const auto user = new_user();
    const auto almost = kNow + kIdempotencyLifetime - std::chrono::milliseconds{1};
    const auto then = kNow + kIdempotencyLifetime;
    create_once(one_for(user), claim_of(user, "k", "one", kNow));
    EXPECT_TRUE(create_once(one_for(user), claim_of(user, "k", "one", almost)).replayed);
    EXPECT_FALSE(create_once(one_for(user), claim_of(user, "k", "another", then)).replayed);
    EXPECT_TRUE(create_once(one_for(user), claim_of(user, "k", "another", then)).replayed);
    EXPECT_EQ(state_of(store(), user).version, 2U);
}

// --- At once

namespace {

struct Tally {
    std::size_t done = 0;
    std::size_t replayed = 0;
    std::size_t in_flight = 0;
};

loop::Task<void> create_with(NotificationStore& store, base::UserId user, IdempotencyClaim claim, Tally& tally) {
    std::vector<NewNotification> batch{for_user(user)};
    const auto created = co_await store.create_once(std::move(batch), claim);
    if (!created) {
        EXPECT_EQ(created.error(), errc::in_flight);
        ++tally.in_flight;
    } else if (created->replayed) {
        ++tally.replayed;
    } else {
        ++tally.done;
    }
}

}  // namespace

TEST_P(NotificationStoreConformance, OfManyCallsWithOneKeyOneIsDone) {
    const auto user = new_user();
    constexpr std::size_t kKeys = 20;
    constexpr std::size_t kCalls = 10;
    Tally tally;
    std::vector<loop::Task<void>> tasks;
    for (std::size_t call = 0; call < kCalls; ++call) {
        for (std::size_t key = 0; key < kKeys; ++key) {
            tasks.push_back(create_with(store(), user, claim_of(user, "key " + std::to_string(key)), tally));
        }
    }
    run_all(std::move(tasks));
    EXPECT_EQ(tally.done, kKeys);
    EXPECT_EQ(tally.done + tally.replayed + tally.in_flight, kKeys * kCalls);
    EXPECT_EQ(state_of(store(), user).version, kKeys);
    expect_consistent(store(), outbox(), {user});
}

}  // namespace carillon::store::testing
