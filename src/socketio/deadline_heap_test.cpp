#include "socketio/deadline_heap.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace carillon::socketio {
namespace {

TEST(DeadlineHeap, AlwaysGivesTheEarliest) {
    struct Item : Timed {
        base::SteadyTime at;
        bool set = false;
    };
    std::mt19937 random{7};
    std::vector<Item> items(100);
    DeadlineHeap heap;
    for (int round = 0; round < 20'000; ++round) {
        Item& item = items[random() % items.size()];
        if (random() % 4 == 0) {
            heap.remove(item);
            item.set = false;
        } else {
            item.at = base::SteadyTime{std::chrono::milliseconds{random() % 1'000}};
            item.set = true;
            heap.set(item, item.at);
        }
        std::optional<base::SteadyTime> earliest;
        std::size_t count = 0;
        for (const Item& one : items) {
            EXPECT_EQ(heap.of(one).has_value(), one.set);
            if (!one.set) continue;
            ++count;
            if (!earliest || one.at < *earliest) earliest = one.at;
        }
        ASSERT_EQ(heap.next(), earliest);
        ASSERT_EQ(heap.size(), count);
    }
    base::SteadyTime last{};
    while (Timed* const due = heap.pop_due(base::SteadyTime::max())) {
        EXPECT_GE(static_cast<Item*>(due)->at, last);
        last = static_cast<Item*>(due)->at;
    }
    EXPECT_EQ(heap.size(), 0U);
}

TEST(DeadlineHeap, LeavesWhatIsNotDue) {
    Timed item;
    DeadlineHeap heap;
    const base::SteadyTime at{std::chrono::seconds{5}};
    heap.set(item, at);
    EXPECT_EQ(heap.pop_due(at - std::chrono::milliseconds{1}), nullptr);
    EXPECT_EQ(heap.pop_due(at), &item);
    EXPECT_EQ(heap.next(), std::nullopt);
}

}  // namespace
}  // namespace carillon::socketio
