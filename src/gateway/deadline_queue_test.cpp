#include "gateway/deadline_queue.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/testing/fake_clock.hpp"

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;

class DeadlineQueueTest : public ::testing::Test {
 protected:
    DeadlineQueue::Handle add(std::chrono::milliseconds in, char name) {
        return queue.add(clock.steady_now() + in, [this, name] { ran += name; });
    }

    base::FakeClock clock;
    DeadlineQueue queue;
    std::string ran;
};

TEST_F(DeadlineQueueTest, RunsWhatIsDueInOrderOfTime) {
    add(20ms, 'b');
    add(10ms, 'a');
    add(20ms, 'c');
    add(30ms, 'd');
    clock.advance(20ms);
    queue.run_due(clock.steady_now());
    EXPECT_EQ(ran, "abc");
    EXPECT_EQ(queue.next(), clock.steady_now() + 10ms);
}

TEST_F(DeadlineQueueTest, WhatIsCancelledDoesNotRun) {
    const auto handle = add(10ms, 'a');
    queue.cancel(handle);
    queue.cancel(handle);
    queue.cancel({});
    clock.advance(1s);
    queue.run_due(clock.steady_now());
    EXPECT_EQ(ran, "");
    EXPECT_EQ(queue.size(), 0U);
}

TEST_F(DeadlineQueueTest, SaysWhenTheEarliestMoves) {
    int moved = 0;
    queue.on_earlier = [&moved] { ++moved; };
    add(20ms, 'a');
    add(30ms, 'b');
    EXPECT_EQ(moved, 1);
    add(10ms, 'c');
    EXPECT_EQ(moved, 2);
}

TEST_F(DeadlineQueueTest, ACallbackMayAddAndCancel) {
    const auto victim = add(10ms, 'x');
    queue.add(clock.steady_now() + 5ms, [this, victim] {
        queue.cancel(victim);
        add(0ms, 'n');
    });
    clock.advance(10ms);
    queue.run_due(clock.steady_now());
    EXPECT_EQ(ran, "") << "what is added for right now waits for the next call";
    queue.run_due(clock.steady_now());
    EXPECT_EQ(ran, "n");
}

}  // namespace
}  // namespace carillon::gateway
