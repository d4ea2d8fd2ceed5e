#include "store/sync_budget.hpp"

#include <gtest/gtest.h>

namespace carillon::store {
namespace {

contracts::Notification of_size(std::size_t body) {
    contracts::Notification row;
    row.type = "t";
    row.title = "t";
    row.body = std::string(body, 'x');
    return row;
}

TEST(SyncBudget, EndsAtItsRows) {
    SyncBudget budget{2};
    EXPECT_TRUE(budget.take(of_size(1)));
    EXPECT_TRUE(budget.take(of_size(1)));
    EXPECT_FALSE(budget.take(of_size(1)));
}

TEST(SyncBudget, EndsAtItsBytes) {
    SyncBudget budget{500};
    const auto row = of_size(100'000);
    EXPECT_TRUE(budget.take(row));
    EXPECT_TRUE(budget.take(row));
    EXPECT_FALSE(budget.take(row));
}

TEST(SyncBudget, AlwaysTakesTheFirst) {
    SyncBudget budget{500};
    EXPECT_TRUE(budget.take(of_size(400'000)));
    EXPECT_FALSE(budget.take(of_size(1)));
}

TEST(SyncBudget, CountsTheBytesOfEscapes) {
    auto row = of_size(0);
    row.body = std::string(100'000, '\x01');  // six bytes each
    SyncBudget budget{500};
    EXPECT_TRUE(budget.take(row));
    EXPECT_FALSE(budget.take(row));
}

}  // namespace
}  // namespace carillon::store
