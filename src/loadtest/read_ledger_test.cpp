#include "loadtest/read_ledger.hpp"

#include <gtest/gtest.h>

namespace carillon::loadtest {
namespace {

using namespace std::chrono_literals;

const auto kId = *base::NotificationId::parse("0b0a2b0e-0000-4000-8000-000000000001");
const auto kOther = *base::NotificationId::parse("0b0a2b0e-0000-4000-8000-000000000002");

TEST(ReadLedger, AMarkIsDoneWhenItIsAcknowledgedAndAllTabsKnow) {
    ReadLedger ledger;
    const base::SteadyTime now{1s};
    const auto mark = ledger.expect(3, kId, 0b11, now);
    ASSERT_TRUE(mark);
    EXPECT_EQ(ledger.in_flight(), 1U);
    EXPECT_EQ(ledger.acked(*mark, {}, now + 2ms).latency, 2ms);
    EXPECT_FALSE(ledger.complete());
    EXPECT_TRUE(ledger.updated(3, 0, kId, now + 3ms).first);
    EXPECT_EQ(ledger.counts().lost(), 1U);
    EXPECT_EQ(ledger.updated(3, 1, kId, now + 4ms).latency, 4ms);
    EXPECT_TRUE(ledger.complete());
    EXPECT_EQ(ledger.counts().acked, 1U);
}

TEST(ReadLedger, ANotificationIsMarkedOnce) {
    ReadLedger ledger;
    EXPECT_TRUE(ledger.expect(0, kId, 1, {}));
    EXPECT_FALSE(ledger.expect(0, kId, 1, {}));
    EXPECT_TRUE(ledger.expect(0, kOther, 1, {}));
}

TEST(ReadLedger, SeesWhatIsToldTwiceAndWhatIsNotItsOwn) {
    ReadLedger ledger;
    ledger.expect(0, kId, 1, {});
    EXPECT_FALSE(ledger.updated(0, 0, kOther, {}).first);
    EXPECT_FALSE(ledger.updated(1, 0, kId, {}).first);
    EXPECT_TRUE(ledger.updated(0, 0, kId, {}).first);
    EXPECT_FALSE(ledger.updated(0, 0, kId, {}).first);
    EXPECT_EQ(ledger.counts().duplicated, 1U);
}

TEST(ReadLedger, NobodyIsToldOfARefusedMark) {
    ReadLedger ledger;
    const auto mark = ledger.expect(0, kId, 0b111, {});
    EXPECT_FALSE(ledger.acked(*mark, "rate_limited", {}).first);
    EXPECT_FALSE(ledger.acked(*mark, {}, {}).first) << "the second answer to one mark";
    EXPECT_TRUE(ledger.complete());
    EXPECT_EQ(ledger.counts().refused.at("rate_limited"), 1U);
    EXPECT_FALSE(ledger.acked(77, {}, {}).first) << "never sent";
}

TEST(ReadLedger, WhoLeavesIsNotToldAnyMore) {
    ReadLedger ledger;
    const auto mark = ledger.expect(0, kId, 0b11, {});
    ledger.acked(*mark, {}, {});
    ledger.excuse(0, 1);
    ledger.updated(0, 0, kId, {});
    EXPECT_TRUE(ledger.complete());
    EXPECT_EQ(ledger.counts().owed, 1U);
}

}  // namespace
}  // namespace carillon::loadtest
