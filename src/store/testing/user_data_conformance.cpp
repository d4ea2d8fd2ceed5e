#include <gmock/gmock.h>

#include "contracts/bus_events.hpp"
#include "store/testing/conformance_parts.hpp"
#include "store/testing/notification_store_conformance.hpp"

// The duties to one user: handing out and erasing.
namespace carillon::store::testing {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void link_user_data_conformance() {}

namespace {

contracts::NotificationUpdated last_update(OutboxStore& outbox) {
    const auto events = all_events(outbox);
    EXPECT_FALSE(events.empty());
    return contracts::decode_bus_notification_updated(events.back().payload).value();
}

}  // namespace

TEST_P(NotificationStoreConformance, EraseLeavesNothingButTheCounters) {
    const auto user = new_user();
    const auto other = new_user();
    const auto created = create_many(user, 3);
    mark_read(user, created[1].notification.id);
    create_many(other, 2);
    EXPECT_EQ(erase(user), 3U);

    for (const auto& one : created) {
        EXPECT_EQ(run(store().find(user, one.notification.id)).error(), errc::not_found);
        EXPECT_EQ(run(store().mark_read(user, one.notification.id, kNow, "", std::nullopt)).error(), errc::not_found);
    }
    EXPECT_THAT(all_notifications(store(), user), IsEmpty());
    const auto state = state_of(store(), user);
    EXPECT_EQ(state.unread, 0U);
    EXPECT_EQ(state.version, 5U) << "versions never go back";
    EXPECT_THAT(all_notifications(store(), other), SizeIs(2));
    EXPECT_EQ(state_of(store(), other).unread, 2U);
}

TEST_P(NotificationStoreConformance, EraseTakesPendingEventsAndTellsOfItself) {
    const auto user = new_user();
    const auto other = new_user();
    create_many(user, 3);
    create_many(other, 2);
    erase(user);
    EXPECT_THAT(run(user_data().pending_events(user, 0, 100)).value(), SizeIs(1));
    EXPECT_THAT(run(user_data().pending_events(other, 0, 100)).value(), SizeIs(2));
    EXPECT_EQ(run(outbox().pending_count()).value(), 3U);
    const auto event = last_update(outbox());
    EXPECT_EQ(event.user_id, user);
    EXPECT_EQ(event.change.action, contracts::UpdateAction::read_all);
    EXPECT_TRUE(event.change.reset);
    EXPECT_EQ(event.change.unread_count, 0U);
    EXPECT_EQ(event.change.version, 4U);
}

TEST_P(NotificationStoreConformance, EraseIsAResetForWhoSyncs) {
    const auto user = new_user();
    create_many(user, 3);
    erase(user);
    const auto page = sync(user, 2);
    EXPECT_TRUE(page.reset);
    EXPECT_THAT(page.notifications, IsEmpty());
    EXPECT_EQ(page.state.version, 4U);
    EXPECT_FALSE(sync(user, 4).reset) << "who knows of it";
    EXPECT_FALSE(sync(user, 0).reset) << "who knows nothing";
    create(for_user(user));
    EXPECT_TRUE(sync(user, 3).reset);
    EXPECT_THAT(sync(user, 3).notifications, SizeIs(1));
    EXPECT_THAT(sync(user, 4).notifications, SizeIs(1));
}

TEST_P(NotificationStoreConformance, EraseGoesInSteps) {
    const auto user = new_user();
    create_many(user, 1'000);
    create_many(user, 1'000);
    create_many(user, 200);
    read_all(user, 1'500);
    const auto step = run(user_data().erase(user, kNow, "")).value();
    EXPECT_EQ(step.notifications, kEraseRowsMax);
    EXPECT_TRUE(step.more);
    EXPECT_EQ(state_of(store(), user).version, step.state.version);
    const auto left = all_notifications(store(), user);
    EXPECT_THAT(left, SizeIs(1'200));
    const auto unread = std::count_if(left.begin(), left.end(), [](const auto& row) { return !row.read_at; });
    EXPECT_EQ(static_cast<std::uint64_t>(unread), step.state.unread) << "exact after each step";
    EXPECT_EQ(erase(user), 1'200U);
    EXPECT_EQ(state_of(store(), user).unread, 0U);
    EXPECT_THAT(run(user_data().pending_events(user, 0, 100)).value(), SizeIs(1)) << "the last step's";
}

TEST_P(NotificationStoreConformance, EraseOfNobodyChangesNothing) {
    const auto user = new_user();
    const auto step = run(user_data().erase(user, kNow, "")).value();
    EXPECT_EQ(step.notifications, 0U);
    EXPECT_FALSE(step.more);
    EXPECT_EQ(state_of(store(), user).version, 0U);
    EXPECT_THAT(all_events(outbox()), IsEmpty());
}

TEST_P(NotificationStoreConformance, EraseForgetsTheAnswersOfTheUser) {
    const auto user = new_user();
    const auto other = new_user();
    const auto mine = claim_of(user, "k");
    const auto theirs = claim_of(other, "k");
    create_once({for_user(user)}, mine);
    create_once({for_user(user)}, theirs);
    EXPECT_EQ(run(user_data().kept_answers(user, 0, 100)).value().size(), 1U);
    erase(user);
    EXPECT_THAT(run(user_data().kept_answers(user, 0, 100)).value(), IsEmpty());
    EXPECT_EQ(run(user_data().kept_answers(other, 0, 100)).value().size(), 1U);
    const auto again = create_once({for_user(user)}, theirs);
    EXPECT_TRUE(again.replayed) << "nothing is created again for an erased user";
    ASSERT_EQ(again.items.size(), 1U);
    EXPECT_EQ(again.items[0].error(), errc::not_found);
}

TEST_P(NotificationStoreConformance, AUserMayGoOnAfterAnErasure) {
    const auto user = new_user();
    create_many(user, 2);
    erase(user);
    const auto created = create(for_user(user));
    EXPECT_EQ(created.state.unread, 1U);
    EXPECT_EQ(created.state.version, 4U);
    EXPECT_EQ(read_all(user).updated, 1U);
    EXPECT_THAT(all_notifications(store(), user), SizeIs(1));
}

TEST_P(NotificationStoreConformance, TheDataOfOneUserComesInOrderAndInPages) {
    const auto user = new_user();
    for (int i = 0; i < 5; ++i) {
        create_once({for_user(user, "No. " + std::to_string(i))}, claim_of(user, std::to_string(i)));
    }
    create(for_user(new_user()));
    const auto first = run(user_data().pending_events(user, 0, 3)).value();
    ASSERT_THAT(first, SizeIs(3));
    EXPECT_THAT(first[0].payload, HasSubstr("No. 0"));
    const auto second = run(user_data().pending_events(user, first.back().sequence, 3)).value();
    ASSERT_THAT(second, SizeIs(2));
    EXPECT_THAT(second[1].payload, HasSubstr("No. 4"));

    const auto answers = run(user_data().kept_answers(user, 0, 3)).value();
    ASSERT_THAT(answers, SizeIs(3));
    EXPECT_EQ(answers[0].created_at, kNow);
    EXPECT_TRUE(decode_first_answer(answers[0].answer_json).has_value());
    EXPECT_EQ(run(user_data().kept_answers(user, answers.back().sequence, 3)).value().size(), 2U);
}

}  // namespace carillon::store::testing
