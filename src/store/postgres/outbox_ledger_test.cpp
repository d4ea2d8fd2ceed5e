#include "store/postgres/outbox_ledger.hpp"

#include <gmock/gmock.h>

namespace carillon::store::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Ledger : public ::testing::Test {
 protected:
    Ledger() {
        ledger_.listen([this](std::vector<OutboxEvent> events) {
            for (const auto& event : events) told_.push_back(event.sequence);
        });
    }
    static std::vector<OutboxEvent> events(std::vector<std::uint64_t> sequences) {
        std::vector<OutboxEvent> all;
        for (const auto sequence : sequences) all.emplace_back().sequence = sequence;
        return all;
    }

    OutboxLedger ledger_;
    std::vector<std::uint64_t> told_;
};

TEST_F(Ledger, TellsOfACommitAtOnceWhenNoneIsBeforeIt) {
    const auto range = ledger_.reserve(2);
    EXPECT_EQ(range.first, 1U);
    EXPECT_EQ(range.last(), 2U);
    EXPECT_EQ(ledger_.settled(), 0U);
    ledger_.committed(range, events({1, 2}));
    EXPECT_THAT(told_, ElementsAre(1, 2));
    EXPECT_EQ(ledger_.settled(), 2U);
}

TEST_F(Ledger, HoldsBackWhatCommitsBeforeItsElders) {
    const auto first = ledger_.reserve(2);
    const auto second = ledger_.reserve(1);
    const auto third = ledger_.reserve(3);
    ledger_.committed(third, events({4, 5, 6}));
    ledger_.committed(second, events({3}));
    EXPECT_THAT(told_, IsEmpty());
    EXPECT_EQ(ledger_.settled(), 0U) << "who reads on from 6 would never see 1 and 2";
    ledger_.committed(first, events({1, 2}));
    EXPECT_THAT(told_, ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_EQ(ledger_.settled(), 6U);
}

TEST_F(Ledger, ATransactionThatWasRolledBackHoldsNobodyUp) {
    const auto first = ledger_.reserve(5);
    const auto second = ledger_.reserve(1);
    ledger_.committed(second, events({6}));
    ledger_.dropped(first);
    EXPECT_THAT(told_, ElementsAre(6));
    EXPECT_EQ(ledger_.settled(), 6U);
    EXPECT_EQ(ledger_.reserve(1).first, 7U) << "a sequence is never given twice";
}

TEST_F(Ledger, ARangeMayHaveMoreThanItsEvents) {
    const auto range = ledger_.reserve(500);
    ledger_.committed(range, events({1, 2}));
    EXPECT_THAT(told_, ElementsAre(1, 2));
    EXPECT_EQ(ledger_.settled(), 500U);
}

}  // namespace
}  // namespace carillon::store::postgres
