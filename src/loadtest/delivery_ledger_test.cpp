#include "loadtest/delivery_ledger.hpp"

#include <gtest/gtest.h>

namespace carillon::loadtest {
namespace {

using namespace std::chrono_literals;
using Arrival = DeliveryLedger::Arrival;

const TabSet kBoth = 0b11;

struct DeliveryLedgerTest : testing::Test {
    std::string payload(DeliveryLedger::Sequence sequence) {
        return R"({"notificationId":"x","title":")" + ledger.title(sequence) + R"(","unreadCount":1})";
    }
    Arrival live(std::uint32_t user, std::uint32_t tab, DeliveryLedger::Sequence sequence) {
        return ledger.live(user, tab, payload(sequence), now + 5ms).arrival;
    }

    DeliveryLedger ledger{0xABCDEF, 3};
    base::SteadyTime now{1s};
};

TEST_F(DeliveryLedgerTest, EachTabGetsItOnce) {
    const auto sequence = ledger.expect(1, kBoth, now);
    EXPECT_FALSE(ledger.complete());
    const auto seen = ledger.live(1, 0, payload(sequence), now + 5ms);
    EXPECT_EQ(seen.arrival, Arrival::first);
    EXPECT_EQ(seen.latency, 5ms);
    EXPECT_EQ(ledger.counts().lost(), 1U);
    EXPECT_EQ(live(1, 1, sequence), Arrival::first);
    EXPECT_TRUE(ledger.complete());
    EXPECT_EQ(ledger.counts().delivered, 2U);
    EXPECT_EQ(ledger.counts().lost(), 0U);
}

TEST_F(DeliveryLedgerTest, SeesWhatComesTwice) {
    const auto sequence = ledger.expect(1, kBoth, now);
    live(1, 0, sequence);
    EXPECT_EQ(live(1, 0, sequence), Arrival::duplicate);
    EXPECT_EQ(ledger.counts().duplicated, 1U);
    EXPECT_EQ(ledger.counts().lost(), 1U) << "the other tab still waits";
}

TEST_F(DeliveryLedgerTest, SeesWhatReachesTheWrongUser) {
    const auto sequence = ledger.expect(1, kBoth, now);
    EXPECT_EQ(live(2, 0, sequence), Arrival::wrong_user);
    EXPECT_EQ(ledger.synced(2, 0, payload(sequence)).arrival, Arrival::wrong_user);
    EXPECT_EQ(ledger.counts().wrong_user, 2U);
    EXPECT_EQ(ledger.counts().delivered, 0U);
}

TEST_F(DeliveryLedgerTest, LeavesOtherRunsAlone) {
    const DeliveryLedger other{0xABCDEE, 3};
    ledger.expect(1, kBoth, now);
    EXPECT_EQ(ledger.live(1, 0, R"({"title":"Hello"})", now).arrival, Arrival::foreign);
    DeliveryLedger elsewhere{7, 3};
    const auto sequence = elsewhere.expect(1, kBoth, now);
    EXPECT_EQ(ledger.live(1, 0, "{\"title\":\"" + elsewhere.title(sequence) + "\"}", now).arrival, Arrival::foreign);
    EXPECT_EQ(ledger.live(1, 0, ledger.title(0).substr(0, 20) + "99", now).arrival, Arrival::foreign) << "not yet sent";
}

TEST_F(DeliveryLedgerTest, ASyncDeliversToo) {
    const auto sequence = ledger.expect(1, kBoth, now);
    EXPECT_EQ(ledger.synced(1, 0, payload(sequence)).arrival, Arrival::first);
    EXPECT_EQ(ledger.counts().recovered, 1U);
    EXPECT_EQ(live(1, 0, sequence), Arrival::not_owed) << "clients key by id: a row and an event are no duplicate";
    EXPECT_EQ(ledger.counts().duplicated, 0U);
    EXPECT_EQ(live(1, 0, sequence), Arrival::duplicate);
}

TEST_F(DeliveryLedgerTest, WhatWasNotTakenIsNotOwed) {
    const auto sequence = ledger.expect(1, kBoth, now);
    ledger.cancel(sequence);
    EXPECT_TRUE(ledger.complete());
    EXPECT_EQ(ledger.counts().sent, 0U);
    EXPECT_EQ(ledger.counts().owed, 0U);
    EXPECT_EQ(live(1, 0, sequence), Arrival::not_owed) << "an answer that got lost does not undo the creation";
    EXPECT_EQ(ledger.counts().lost(), 0U);
}

TEST_F(DeliveryLedgerTest, WhoLeavesIsExcusedFromWhatIsOnItsWay) {
    const auto first = ledger.expect(1, kBoth, now);
    const auto second = ledger.expect(1, kBoth, now);
    const auto other = ledger.expect(2, 0b1, now);
    live(1, 0, first);
    ledger.excuse(1, 0);
    EXPECT_EQ(ledger.counts().owed, 4U);
    live(1, 1, first);
    live(1, 1, second);
    EXPECT_FALSE(ledger.complete());
    live(2, 0, other);
    EXPECT_TRUE(ledger.complete());
    EXPECT_EQ(ledger.counts().delivered, 4U);
    EXPECT_EQ(live(1, 0, second), Arrival::not_owed);
}

TEST_F(DeliveryLedgerTest, AUserMayHaveManyTabs) {
    TabSet tabs;
    for (std::uint32_t tab = 0; tab < 1'000; ++tab) tabs.insert(tab);
    const auto sequence = ledger.expect(1, tabs, now);
    EXPECT_EQ(ledger.counts().owed, 1'000U);
    for (std::uint32_t tab = 0; tab < 999; ++tab) EXPECT_EQ(live(1, tab, sequence), Arrival::first);
    EXPECT_EQ(live(1, 998, sequence), Arrival::duplicate);
    EXPECT_EQ(live(1, 1'000, sequence), Arrival::not_owed);
    EXPECT_FALSE(ledger.complete());
    EXPECT_EQ(live(1, 999, sequence), Arrival::first);
    EXPECT_TRUE(ledger.complete());
}

TEST_F(DeliveryLedgerTest, NobodyListeningMeansNothingOwed) {
    const auto sequence = ledger.expect(0, 0, now);
    EXPECT_TRUE(ledger.complete());
    EXPECT_EQ(live(0, 0, sequence), Arrival::not_owed);
}

}  // namespace
}  // namespace carillon::loadtest
