#include "gateway/inbox_order.hpp"

#include <gtest/gtest.h>

#include "base/testing/fake_clock.hpp"

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;
using Offer = InboxOrder::Offer;
using Due = InboxOrder::Due;
using Versions = std::vector<base::Version>;

base::NotificationId id_of(base::Version version) {
    base::NotificationId id;
    id.uuid.bytes[15] = static_cast<std::uint8_t>(version);
    return id;
}

contracts::Notification row(base::Version version, bool read = false) {
    contracts::Notification notification;
    notification.id = id_of(version);
    notification.version = version;
    if (read) notification.read_at = base::TimePoint{};
    return notification;
}

InboxEvent created(base::Version version, std::uint64_t unread) {
    InboxEvent event;
    event.change = row(version);
    event.version = version;
    event.unread = unread;
    return event;
}

SyncAnswer answer(InboxCount count, std::vector<contracts::Notification> rows) {
    SyncAnswer sync;
    sync.count = count;
    sync.notifications = std::move(rows);
    return sync;
}

class InboxOrderTest : public ::testing::Test {
 protected:
    Offer offer(base::Version version) { return order.offer(created(version, version), clock.steady_now(), sent); }
    void start(base::Version version) {
        InboxOrder::Out before;
        InboxOrder::Out after;
        order.start({version, version}, clock.steady_now(), before, after);
        for (auto& event : before) sent_before.push_back(event.version);
        for (auto& event : after) sent.push_back(std::move(event));
    }
    Due due() const { return order.due(clock.steady_now()); }
    Versions versions() const {
        Versions list;
        for (const auto& event : sent) list.push_back(event.version);
        return list;
    }
    std::vector<std::uint64_t> counts() const {
        std::vector<std::uint64_t> list;
        for (const auto& event : sent) list.push_back(event.unread);
        return list;
    }
    void synced(const SyncAnswer& sync) { order.synced(sync, clock.steady_now(), sent); }

    base::FakeClock clock;
    InboxOrder order;
    InboxOrder::Out sent;
    Versions sent_before;
};

TEST_F(InboxOrderTest, SendsWhatComesInOrder) {
    start(0);
    EXPECT_EQ(offer(1), Offer::sent);
    EXPECT_EQ(offer(2), Offer::sent);
    EXPECT_EQ(versions(), (Versions{1, 2}));
    EXPECT_TRUE(order.at_rest());
    EXPECT_FALSE(order.deadline());
}

TEST_F(InboxOrderTest, SendsAnEventNotAboveTheLastOnceOnly) {
    start(0);
    offer(1);
    offer(2);
    EXPECT_EQ(offer(2), Offer::stale);
    EXPECT_EQ(offer(1), Offer::stale);
    EXPECT_EQ(versions(), (Versions{1, 2}));
}

TEST_F(InboxOrderTest, SwappedEventsLeaveInVersionOrder) {
    start(0);
    EXPECT_EQ(offer(3), Offer::held);
    EXPECT_EQ(offer(2), Offer::held);
    EXPECT_EQ(offer(2), Offer::stale) << "held already";
    EXPECT_EQ(offer(1), Offer::sent);
    EXPECT_EQ(versions(), (Versions{1, 2, 3}));
    clock.advance(1min);
    EXPECT_EQ(due(), Due::nothing);
}

TEST_F(InboxOrderTest, HoldsEventsUntilTheFirstCountThenSendsThemAroundIt) {
    EXPECT_EQ(offer(6), Offer::held);
    EXPECT_EQ(offer(5), Offer::held);
    EXPECT_EQ(offer(4), Offer::held);
    start(5);
    EXPECT_EQ(sent_before, (Versions{4, 5})) << "created after registration, though the count has them already";
    EXPECT_EQ(versions(), (Versions{6}));
}

TEST_F(InboxOrderTest, AnEventThatTheFirstCountHadPassedIsSentOnceWhenItComes) {
    start(3);
    EXPECT_EQ(offer(3), Offer::sent);
    EXPECT_TRUE(sent.at(0).late);
    EXPECT_EQ(offer(3), Offer::stale);
    clock.advance(InboxOrder::kLateWindow);
    EXPECT_EQ(offer(2), Offer::stale) << "nobody waits for ever";
}

TEST_F(InboxOrderTest, GoesOnWithoutACountThatDoesNotCome) {
    offer(8);
    offer(9);
    EXPECT_EQ(due(), Due::nothing);
    clock.advance(InboxOrder::kStartWait);
    ASSERT_EQ(due(), Due::start_without_count);
    order.start_without_count(clock.steady_now(), sent);
    EXPECT_EQ(versions(), (Versions{8, 9}));
}

TEST_F(InboxOrderTest, AGapIsWaitedForBrieflyThenFilled) {
    start(1);
    offer(4);
    clock.advance(49ms);
    EXPECT_EQ(due(), Due::nothing);
    clock.advance(1ms);
    ASSERT_EQ(due(), Due::sync);
    EXPECT_EQ(order.begin_sync(), 1U);
    EXPECT_EQ(due(), Due::nothing) << "one question at a time";
    synced(answer({4, 4}, {row(2), row(3), row(4)}));
    EXPECT_EQ(versions(), (Versions{2, 3, 4}));
    EXPECT_EQ(counts(), (std::vector<std::uint64_t>{2, 3, 4})) << "one version, one count";
    EXPECT_EQ(order.told().version, 4U);
    EXPECT_EQ(offer(3), Offer::stale);
    EXPECT_EQ(offer(5), Offer::sent);
}

TEST_F(InboxOrderTest, AGapThatClosesByItselfAsksNothing) {
    start(1);
    offer(3);
    clock.advance(30ms);
    offer(2);
    clock.advance(1min);
    EXPECT_EQ(due(), Due::nothing);
    EXPECT_EQ(versions(), (Versions{2, 3}));
}

TEST_F(InboxOrderTest, EachMissingVersionGetsItsOwnWait) {
    start(0);
    offer(2);
    clock.advance(40ms);
    offer(4);
    offer(1);
    clock.advance(20ms);
    EXPECT_EQ(due(), Due::nothing);
    clock.advance(30ms);
    EXPECT_EQ(due(), Due::sync);
}

TEST_F(InboxOrderTest, ALateEventThatNoRowStoodForIsStillSent) {
    start(1);
    offer(4);
    clock.advance(50ms);
    order.begin_sync();
    // Version 2 was created and read as version 3: the row knows only the latter.
    synced(answer({2, 4}, {row(3, true), row(4)}));
    EXPECT_EQ(versions(), (Versions{3, 4}));
    EXPECT_TRUE(std::holds_alternative<contracts::InboxChange>(sent.at(0).change));
    EXPECT_EQ(offer(2), Offer::sent);
    EXPECT_TRUE(sent.back().late);
}

TEST_F(InboxOrderTest, GoesOnWhenTheServiceDoesNotAnswerAndHealsLater) {
    start(1);
    offer(3);
    clock.advance(50ms);
    order.begin_sync();
    order.not_synced(clock.steady_now(), sent);
    EXPECT_EQ(versions(), (Versions{3}));
    offer(4);
    EXPECT_EQ(due(), Due::nothing);
    clock.advance(InboxOrder::kRetryPause);
    ASSERT_EQ(due(), Due::sync);
    EXPECT_EQ(order.begin_sync(), 1U);
    synced(answer({4, 4}, {row(2), row(3), row(4)}));
    EXPECT_EQ(versions(), (Versions{3, 4, 2})) << "what was missed, once";
    EXPECT_TRUE(sent.back().late);
    EXPECT_EQ(due(), Due::nothing);
}

TEST_F(InboxOrderTest, VersionsThatTheServiceDoesNotKnowAreSentAllTheSame) {
    start(0);
    offer(7);
    clock.advance(50ms);
    EXPECT_EQ(order.begin_sync(), 0U);
    synced(answer({0, 0}, {}));
    EXPECT_EQ(versions(), (Versions{7}));
}

TEST_F(InboxOrderTest, AReadAllInTheGapIsTold) {
    start(5);
    offer(8);
    clock.advance(50ms);
    order.begin_sync();
    auto sync = answer({2, 8}, {row(7), row(8)});
    sync.read_all_before = 5;
    synced(sync);
    ASSERT_EQ(versions(), (Versions{6, 7, 8}));
    const auto* change = std::get_if<contracts::InboxChange>(&sent.at(0).change);
    ASSERT_NE(change, nullptr);
    EXPECT_EQ(change->action, contracts::UpdateAction::read_all);
    EXPECT_EQ(change->before, 5U) << "what came after it stays unread";
    EXPECT_FALSE(change->reset);
    // Backwards from the count that the held event carries: 8 unread at version 8, 7 before it was created.
    EXPECT_EQ(sent.at(1).unread, 7U);
    EXPECT_EQ(sent.at(2).unread, 8U);
}

const contracts::InboxChange* change_at(const InboxOrder::Out& sent, std::size_t place) {
    return place < sent.size() ? std::get_if<contracts::InboxChange>(&sent[place].change) : nullptr;
}

TEST_F(InboxOrderTest, AnErasureThatWasMissedIsToldAsAReset) {
    start(5);
    order.compare({0, 6}, 5, clock.steady_now());
    clock.advance(InboxOrder::kHealWait);
    ASSERT_EQ(due(), Due::sync);
    order.begin_sync();
    auto sync = answer({0, 6}, {});
    sync.reset = true;
    synced(sync);
    ASSERT_EQ(versions(), (Versions{6}));
    const auto* change = change_at(sent, 0);
    ASSERT_NE(change, nullptr);
    EXPECT_EQ(change->action, contracts::UpdateAction::read_all);
    EXPECT_TRUE(change->reset);
    EXPECT_EQ(change->unread_count, 0U);
    EXPECT_EQ(offer(7), Offer::sent);
}

TEST_F(InboxOrderTest, TheResetComesBeforeWhatWasCreatedAfterIt) {
    start(5);
    offer(9);  // held; 6 was created and erased by 7, 8 was created and missed
    clock.advance(50ms);
    order.begin_sync();
    auto sync = answer({2, 9}, {row(8), row(9)});
    sync.reset = true;
    synced(sync);
    ASSERT_EQ(versions(), (Versions{7, 8, 9}));
    ASSERT_NE(change_at(sent, 0), nullptr);
    EXPECT_TRUE(change_at(sent, 0)->reset);
    EXPECT_EQ(offer(6), Offer::stale) << "what was erased does not ring any more";
}

TEST_F(InboxOrderTest, AnErasureThatTheBusBroughtIsNotToldTwice) {
    start(5);
    InboxEvent erased;
    erased.version = 7;
    erased.change = contracts::InboxChange{contracts::UpdateAction::read_all, std::nullopt, 0, 7, true};
    EXPECT_EQ(order.offer(erased, clock.steady_now(), sent), Offer::held);
    clock.advance(50ms);
    order.begin_sync();
    auto sync = answer({0, 7}, {});
    sync.reset = true;
    synced(sync);
    ASSERT_EQ(versions(), (Versions{7}));
    EXPECT_TRUE(change_at(sent, 0)->reset);
}

TEST_F(InboxOrderTest, AnErasureThatASyncAfterTheGapFindsIsTold) {
    start(5);
    offer(7);
    clock.advance(50ms);
    order.begin_sync();
    order.not_synced(clock.steady_now(), sent);  // 7 goes out without 6, the erasure
    ASSERT_EQ(versions(), (Versions{7}));
    clock.advance(InboxOrder::kRetryPause);
    ASSERT_EQ(due(), Due::sync);
    EXPECT_EQ(order.begin_sync(), 5U);
    auto sync = answer({1, 7}, {row(7)});
    sync.reset = true;
    synced(sync);
    ASSERT_EQ(sent.size(), 2U);
    ASSERT_NE(change_at(sent, 1), nullptr);
    EXPECT_TRUE(change_at(sent, 1)->reset);
    EXPECT_TRUE(sent.at(1).late) << "the sockets know the count of a later version";
}

TEST_F(InboxOrderTest, OfWhatWasCreatedAndErasedUnseenTheCountIsTold) {
    start(0);
    order.compare({0, 4}, 0, clock.steady_now());
    clock.advance(InboxOrder::kHealWait);
    ASSERT_EQ(order.begin_sync(), 0U);
    synced(answer({0, 4}, {}));  // from 0 nothing is to be forgotten, so the service does not say reset
    ASSERT_EQ(versions(), (Versions{4}));
    EXPECT_TRUE(change_at(sent, 0)->reset);
    EXPECT_EQ(sent.at(0).unread, 0U);
}

TEST_F(InboxOrderTest, WhatTheServiceIsAheadByIsAskedFor) {
    start(2);
    order.compare({9, 5}, 2, clock.steady_now());
    EXPECT_EQ(due(), Due::nothing) << "it may be on its way";
    clock.advance(InboxOrder::kHealWait);
    ASSERT_EQ(due(), Due::sync);
    EXPECT_EQ(order.begin_sync(), 2U);
    synced(answer({5, 5}, {row(3), row(4), row(5)}));
    EXPECT_EQ(versions(), (Versions{3, 4, 5}));
}

TEST_F(InboxOrderTest, FollowsAServiceThatWasSetBack) {
    start(9);
    clock.advance(InboxOrder::kLateWindow);
    order.compare({1, 3}, 9, clock.steady_now());
    EXPECT_EQ(order.told().version, 3U);
    EXPECT_EQ(offer(4), Offer::sent);
}

TEST_F(InboxOrderTest, AnOldAnswerDoesNotSetItBack) {
    start(1);
    clock.advance(InboxOrder::kLateWindow);
    offer(2);
    order.compare({1, 1}, 1, clock.steady_now());
    EXPECT_EQ(order.told().version, 2U);
}

TEST_F(InboxOrderTest, HoldsABoundedNumberAndAsksForTheRest) {
    start(0);
    for (base::Version version = 2; version < 2 + InboxOrder::kHeldMax; ++version) {
        ASSERT_EQ(offer(version), Offer::held);
    }
    EXPECT_EQ(offer(2 + InboxOrder::kHeldMax), Offer::overflow);
    EXPECT_EQ(due(), Due::sync);
}

TEST_F(InboxOrderTest, FreesItsDetailsWhenNothingIsMissing) {
    start(3);
    EXPECT_FALSE(order.at_rest());
    clock.advance(InboxOrder::kLateWindow);
    order.trim(clock.steady_now());
    EXPECT_TRUE(order.at_rest());
}

}  // namespace
}  // namespace carillon::gateway
