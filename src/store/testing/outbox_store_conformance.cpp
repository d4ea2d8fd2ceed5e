#include "store/testing/outbox_store_conformance.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <mutex>

namespace carillon::store::testing {

using ::testing::IsEmpty;
using ::testing::SizeIs;

NotificationStoreFactory outbox_store_adapter(NotificationStoreFactory make) {
    return make;
}

std::vector<OutboxEvent> OutboxStoreConformance::make_events(std::size_t count) {
    std::vector<NewNotification> batch;
    const auto user = new_user();
    for (std::size_t i = 0; i < count; ++i) batch.push_back(for_user(user));
    for (const auto& created : run(subject_->store().create(std::move(batch)))) created.value();
    return all_events(outbox());
}

namespace {

// What a listener was told. The store calls it on a thread of its own.
class Heard {
 public:
    void add(std::vector<OutboxEvent> events) {
        const std::lock_guard lock{mutex_};
        events_.insert(events_.end(), events.begin(), events.end());
    }
    std::vector<OutboxEvent> events() {
        const std::lock_guard lock{mutex_};
        return events_;
    }

 private:
    std::mutex mutex_;
    std::vector<OutboxEvent> events_;
};

loop::Task<void> create_some(NotificationStore& store, int count) {
    for (int i = 0; i < count; ++i) {
        std::vector<NewNotification> batch{for_user(new_user())};
        (co_await store.create(std::move(batch))).at(0).value();
    }
}

}  // namespace

TEST_P(OutboxStoreConformance, PendingGoesOnFromASequence) {
    const auto events = make_events(5);
    ASSERT_THAT(events, SizeIs(5));
    EXPECT_TRUE(std::is_sorted(events.begin(), events.end(),
                               [](const auto& a, const auto& b) { return a.sequence < b.sequence; }));
    const auto first = run(outbox().pending(0, 2)).value();
    ASSERT_THAT(first, SizeIs(2));
    EXPECT_EQ(first[1].event_id, events[1].event_id);
    const auto rest = run(outbox().pending(first[1].sequence, 10)).value();
    ASSERT_THAT(rest, SizeIs(3));
    EXPECT_EQ(rest[0].event_id, events[2].event_id);
}

TEST_P(OutboxStoreConformance, RemovedIsGoneAndTheRestStays) {
    const auto events = make_events(6);
    std::vector<std::uint64_t> some{events[4].sequence, events[0].sequence, events[1].sequence};
    ASSERT_TRUE(run(outbox().remove(some)).has_value());
    const auto left = all_events(outbox());
    ASSERT_THAT(left, SizeIs(3));
    EXPECT_EQ(left[0].sequence, events[2].sequence);
    EXPECT_EQ(left[1].sequence, events[3].sequence);
    EXPECT_EQ(left[2].sequence, events[5].sequence);
    EXPECT_TRUE(run(outbox().remove(some)).has_value()) << "again is no error";
    EXPECT_TRUE(run(outbox().remove({})).has_value());
    EXPECT_EQ(run(outbox().pending_count()).value(), 3U);
}

TEST_P(OutboxStoreConformance, CountsWhatIsPending) {
    EXPECT_EQ(run(outbox().pending_count()).value(), 0U);
    const auto events = make_events(3);
    EXPECT_EQ(run(outbox().pending_count()).value(), 3U);
    ASSERT_TRUE(run(outbox().remove({events[0].sequence, events[0].sequence, 9'999'999})).has_value());
    EXPECT_EQ(run(outbox().pending_count()).value(), 2U);
}

TEST_P(OutboxStoreConformance, ASequenceIsNeverGivenTwice) {
    const auto events = make_events(2);
    ASSERT_TRUE(run(outbox().remove({events[0].sequence, events[1].sequence})).has_value());
    ASSERT_THAT(all_events(outbox()), IsEmpty());
    EXPECT_GT(make_events(1).at(0).sequence, events[1].sequence);
}

TEST_P(OutboxStoreConformance, TheListenerHearsEachCommittedEventInOrder) {
    Heard heard;
    outbox().on_committed([&heard](std::vector<OutboxEvent> events) { heard.add(std::move(events)); });
    std::vector<loop::Task<void>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(create_some(subject_->store(), 25));
    run_all(std::move(tasks));
    const auto told = heard.events();
    const auto stored = all_events(outbox());
    ASSERT_THAT(told, SizeIs(100));
    for (std::size_t i = 0; i < told.size(); ++i) {
        EXPECT_EQ(told[i].sequence, stored[i].sequence);
        EXPECT_EQ(told[i].event_id, stored[i].event_id);
        EXPECT_EQ(told[i].payload, stored[i].payload);
        EXPECT_EQ(told[i].created_at, stored[i].created_at);
    }
}

TEST_P(OutboxStoreConformance, TheListenerHearsNothingOfWhatWasRefused) {
    Heard heard;
    outbox().on_committed([&heard](std::vector<OutboxEvent> events) { heard.add(std::move(events)); });
    const auto wanted = for_user(new_user());
    std::vector<NewNotification> batch{wanted, wanted};
    run(subject_->store().create(std::move(batch)));
    EXPECT_THAT(heard.events(), SizeIs(1));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OutboxStoreConformance);

}  // namespace carillon::store::testing
