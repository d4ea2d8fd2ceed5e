#include "store/testing/outbox_takeover_conformance.hpp"

#include <gmock/gmock.h>

#include <map>
#include <thread>

namespace carillon::store::testing {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

OutboxWorldFactory outbox_world(OutboxWorldFactory make) {
    return make;
}

std::vector<NotificationStoreSubject*> OutboxTakeoverConformance::successors_of(NotificationStoreSubject& victim) {
    std::vector<NotificationStoreSubject*> successors;
    if (world_->takes_several()) successors = {&world_->open(), &world_->open()};
    world_->kill(victim);
    if (!world_->takes_several()) successors = {&world_->open()};
    return successors;
}

bool OutboxTakeoverConformance::taken_over(const std::vector<NotificationStoreSubject*>& instances, std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + world_->lease() + 2s;
    for (;;) {
        std::size_t pending = 0;
        for (auto* instance : instances) pending += all_events(instance->outbox()).size();
        if (pending == count) return true;
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(5ms);
    }
}

void OutboxTakeoverConformance::create_some(NotificationStoreSubject& instance, base::UserId user, std::size_t count) {
    std::vector<NewNotification> batch;
    for (std::size_t i = 0; i < count; ++i) batch.push_back(for_user(user));
    for (const auto& created : run(instance.store().create(std::move(batch)))) ASSERT_TRUE(created);
}

TEST_P(OutboxTakeoverConformance, WhatADeadInstanceLeftGoesOutOnceInItsOrderWithinTwoSecondsOfItsLease) {
    auto& victim = world_->open();
    const auto user = new_user();
    create_some(victim, user, 40);
    const auto left = all_events(victim.outbox());
    ASSERT_THAT(left, SizeIs(40));
    const auto successors = successors_of(victim);
    ASSERT_TRUE(taken_over(successors, left.size()));

    std::map<base::EventId, std::size_t> place;
    for (std::size_t i = 0; i < left.size(); ++i) place[left[i].event_id] = i;
    std::map<base::EventId, int> times;
    for (auto* successor : successors) {
        std::size_t next = 0;
        for (const auto& event : all_events(successor->outbox())) {
            ASSERT_TRUE(place.contains(event.event_id));
            EXPECT_GE(place[event.event_id], next) << "its order is kept";
            next = place[event.event_id] + 1;
            EXPECT_EQ(event.payload, left[place[event.event_id]].payload);
            EXPECT_EQ(event.created_at, left[place[event.event_id]].created_at);
            ++times[event.event_id];
        }
    }
    EXPECT_THAT(times, SizeIs(left.size()));
    for (const auto& [id, count] : times) EXPECT_EQ(count, 1);
}

TEST_P(OutboxTakeoverConformance, WhatWasRemovedBeforeIsNotTakenOver) {
    world_->shorten_lease();
    auto& victim = world_->open();
    create_some(victim, new_user(), 5);
    const auto events = all_events(victim.outbox());
    ASSERT_TRUE(run(victim.outbox().remove({events[0].sequence, events[2].sequence})));
    const auto successors = successors_of(victim);
    ASSERT_TRUE(taken_over(successors, 3));
    for (auto* successor : successors) {
        for (const auto& event : all_events(successor->outbox())) {
            EXPECT_NE(event.event_id, events[0].event_id);
            EXPECT_NE(event.event_id, events[2].event_id);
        }
    }
}

TEST_P(OutboxTakeoverConformance, ALongBacklogComesInOrderAndWhatIsNewComesAfterIt) {
    world_->shorten_lease();
    auto& victim = world_->open();
    const auto user = new_user();
    create_some(victim, user, 900);
    create_some(victim, user, 900);
    world_->kill(victim);
    auto& successor = world_->open();
    ASSERT_TRUE(taken_over({&successor}, 1'800));
    create_some(successor, user, 1);
    expect_consistent(successor.store(), successor.outbox(), {user});
    ASSERT_TRUE(run(successor.outbox().pending_count()).value() == 1'801);
}

TEST_P(OutboxTakeoverConformance, AnInstanceThatLivesKeepsItsOwn) {
    world_->shorten_lease();
    auto& one = world_->open();
    const auto user = new_user();
    create_some(one, user, 3);
    std::vector<OutboxEvent> others;
    if (world_->takes_several()) {
        auto& other = world_->open();
        create_some(other, new_user(), 2);
        // Each renews its lease well past the end of the first.
        const auto until = std::chrono::steady_clock::now() + world_->lease() * 3 / 2;
        while (std::chrono::steady_clock::now() < until && all_events(other.outbox()).size() == 2) {
            std::this_thread::sleep_for(20ms);
        }
        EXPECT_THAT(all_events(other.outbox()), SizeIs(2));
        EXPECT_THAT(world_->heard(other), SizeIs(2));
    }
    EXPECT_THAT(all_events(one.outbox()), SizeIs(3));
    EXPECT_THAT(world_->heard(one), SizeIs(3));
    expect_consistent(one.store(), one.outbox(), {user});
}

TEST_P(OutboxTakeoverConformance, OneDeathAfterTheOtherLosesNothing) {
    world_->shorten_lease();
    const auto user = new_user();
    auto& first = world_->open();
    create_some(first, user, 10);
    world_->kill(first);
    auto& second = world_->open();
    ASSERT_TRUE(taken_over({&second}, 10));
    create_some(second, user, 5);
    world_->kill(second);
    auto& third = world_->open();
    ASSERT_TRUE(taken_over({&third}, 15));
    expect_consistent(third.store(), third.outbox(), {user});
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OutboxTakeoverConformance);

}  // namespace carillon::store::testing
