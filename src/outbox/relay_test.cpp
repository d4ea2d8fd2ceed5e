#include "outbox/relay.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "loop/event_loop.hpp"
#include "loop/suspend.hpp"

namespace carillon::outbox {
namespace {

using namespace std::chrono_literals;
using store::OutboxEvent;

bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

/// Rows in memory, and failures on demand. Thread: any.
class RowsInMemory final : public store::OutboxStore {
 public:
    /// As a store does: the rows first, then the listener.
    void commit(std::size_t count) {
        std::vector<OutboxEvent> events;
        {
            const std::lock_guard lock{mutex_};
            for (std::size_t i = 0; i < count; ++i) {
                OutboxEvent event;
                event.sequence = ++last_;
                event.event_id = base::EventId::generate(base::system_clock());
                event.subject = bus::subject::kNotificationCreated;
                event.payload = std::to_string(event.sequence);
                rows_[event.sequence] = event;
                events.push_back(std::move(event));
            }
        }
        if (listener_) listener_(std::move(events));
    }
    std::size_t rows() const {
        const std::lock_guard lock{mutex_};
        return rows_.size();
    }

    void on_committed(std::function<void(std::vector<OutboxEvent>)> listener) override {
        listener_ = std::move(listener);
    }
    loop::Task<base::Result<std::vector<OutboxEvent>>> pending(std::uint64_t after, std::uint32_t limit) override {
        ++reads;
        if (fails) co_return store::errc::unavailable;
        std::vector<OutboxEvent> page;
        {
            const std::lock_guard lock{mutex_};
            for (auto row = rows_.upper_bound(after); row != rows_.end() && page.size() < limit; ++row) {
                page.push_back(row->second);
            }
        }
        // What is committed from here to the end of the call is not on the page.
        auto yielding = loop::yield_now();
        co_await std::move(yielding);
        co_return page;
    }
    loop::Task<base::Result<void>> remove(std::vector<std::uint64_t> sequences) override {
        ++removals;
        if (fails) co_return store::errc::unavailable;
        const std::lock_guard lock{mutex_};
        for (const auto sequence : sequences) rows_.erase(sequence);
        co_return base::Result<void>{};
    }
    loop::Task<base::Result<std::uint64_t>> pending_count() override { co_return rows(); }

    std::atomic<bool> fails{false};
    std::atomic<int> reads{0};
    std::atomic<int> removals{0};

 private:
    std::function<void(std::vector<OutboxEvent>)> listener_;
    mutable std::mutex mutex_;
    std::map<std::uint64_t, OutboxEvent> rows_;
    std::uint64_t last_ = 0;
};

/// Acknowledges at once, refuses, or holds what is published until it is let go. Thread: any.
class BusOnDemand final : public bus::Bus {
 public:
    enum class Mode { acknowledge, refuse, hold };

    void set(Mode mode) {
        std::vector<loop::Resume<bool>> held;
        {
            const std::lock_guard lock{mutex_};
            mode_ = mode;
            held.swap(held_);
        }
        for (auto& resume : held) resume(mode == Mode::acknowledge);
    }
    std::size_t held() const {
        const std::lock_guard lock{mutex_};
        return held_.size();
    }
    /// In the order of acknowledgement.
    std::vector<std::string> acknowledged() const {
        const std::lock_guard lock{mutex_};
        return acknowledged_;
    }
    /// In the order of the calls, repeats and refused ones too.
    std::vector<std::string> begun() const {
        const std::lock_guard lock{mutex_};
        return begun_;
    }

    loop::Task<base::Result<void>> publish(bus::Message message) override {
        if (must_hold(message)) {
            std::function<void(loop::Resume<bool>)> start = [this](loop::Resume<bool> resume) {
                const std::lock_guard lock{mutex_};
                held_.push_back(std::move(resume));
            };
            const bool taken = co_await loop::suspend<bool>(start);
            if (!taken) co_return bus::errc::unavailable;
        }
        co_return conclude(message);
    }
    std::unique_ptr<bus::Subscription> consume(bus::Consumer) override { return nullptr; }
    std::unique_ptr<bus::Subscription> follow(bus::Follower) override { return nullptr; }
    loop::Task<base::Result<void>> dead_letter(bus::DeadLetter) override { co_return base::Result<void>{}; }
    void announce(std::string, std::string) override {}
    std::unique_ptr<bus::Subscription> listen(bus::Listener) override { return nullptr; }
    bool available() const override { return true; }

 private:
    bool must_hold(const bus::Message& message) {
        const std::lock_guard lock{mutex_};
        begun_.push_back(message.payload);
        return mode_ == Mode::hold;
    }
    base::Result<void> conclude(const bus::Message& message) {
        const std::lock_guard lock{mutex_};
        if (mode_ == Mode::refuse) return bus::errc::unavailable;
        acknowledged_.push_back(message.payload);
        return {};
    }

    mutable std::mutex mutex_;
    Mode mode_ = Mode::acknowledge;
    std::vector<loop::Resume<bool>> held_;
    std::vector<std::string> begun_;
    std::vector<std::string> acknowledged_;
};

std::vector<std::string> numbers(std::size_t from, std::size_t to) {
    std::vector<std::string> all;
    for (; from <= to; ++from) all.push_back(std::to_string(from));
    return all;
}

class RelayTest : public ::testing::Test {
 protected:
    RelayTest() {
        loop_.start();
        config_.service = "test";
        config_.remove_linger = 1ms;
        config_.retry_pause_min = 1ms;
        config_.retry_pause_max = 5ms;
    }
    ~RelayTest() override {
        if (relay_) stop(1s);
        loop_.stop();
        loop_.join();
    }

    void make_relay() { relay_ = std::make_unique<Relay>(loop_.executor(), store_, bus_, metrics_, config_); }
    void start() {
        if (!relay_) make_relay();
        relay_->start();
    }
    void stop(std::chrono::milliseconds deadline) {
        boost::asio::co_spawn(loop_.executor(), relay_->stop(deadline), boost::asio::use_future).get();
    }
    bool all_gone() const { return store_.rows() == 0; }
    double gauge() { return metrics_.gauge("outbox_pending", "", {{"service", "test"}}).value(); }

    metrics::Registry metrics_;
    RowsInMemory store_;
    BusOnDemand bus_;
    RelayConfig config_;
    loop::EventLoop loop_{"relay-test"};
    std::unique_ptr<Relay> relay_;
};

TEST_F(RelayTest, PublishesWhatIsCommittedInOrderAndRemovesTheRows) {
    start();
    for (int i = 0; i < 10; ++i) store_.commit(7);
    ASSERT_TRUE(eventually([&] { return all_gone() && bus_.acknowledged().size() == 70; }));
    EXPECT_EQ(bus_.acknowledged(), numbers(1, 70));
    EXPECT_TRUE(eventually([&] { return gauge() == 0; }));
}

TEST_F(RelayTest, PublishesWhatWasLeftFromBefore) {
    config_.page_size = 100;
    store_.commit(1'050);
    start();
    ASSERT_TRUE(eventually([&] { return all_gone(); }));
    EXPECT_EQ(bus_.acknowledged(), numbers(1, 1'050));
}

TEST_F(RelayTest, DoesNothingBeforeItIsStarted) {
    make_relay();
    store_.commit(3);
    std::promise<void> turned;
    loop::post(loop_.executor(), [&] { turned.set_value(); });
    turned.get_future().wait();
    EXPECT_TRUE(bus_.begun().empty());
    start();
    EXPECT_TRUE(eventually([&] { return all_gone(); }));
}

TEST_F(RelayTest, PublishesOnceWhatIsCommittedDuringTheInitialLoad) {
    config_.page_size = 50;
    store_.commit(500);
    make_relay();
    std::thread committing{[&] {
        for (int i = 0; i < 500; ++i) store_.commit(1);
    }};
    start();
    committing.join();
    ASSERT_TRUE(eventually([&] { return all_gone(); }));
    EXPECT_EQ(bus_.begun(), numbers(1, 1'000));
}

TEST_F(RelayTest, KeepsABoundedNumberInFlight) {
    config_.in_flight_max = 5;
    bus_.set(BusOnDemand::Mode::hold);
    start();
    store_.commit(20);
    ASSERT_TRUE(eventually([&] { return bus_.held() == 5; }));
    EXPECT_EQ(bus_.begun().size(), 5u);
    EXPECT_EQ(gauge(), 20);
    bus_.set(BusOnDemand::Mode::acknowledge);
    ASSERT_TRUE(eventually([&] { return all_gone(); }));
    EXPECT_EQ(bus_.begun(), numbers(1, 20));
}

TEST_F(RelayTest, KeepsTheRowsWhileTheBusIsAway) {
    bus_.set(BusOnDemand::Mode::refuse);
    start();
    store_.commit(30);
    ASSERT_TRUE(eventually([&] { return bus_.begun().size() > 100; }));
    EXPECT_EQ(store_.rows(), 30u);
    EXPECT_EQ(gauge(), 30);
    bus_.set(BusOnDemand::Mode::acknowledge);
    ASSERT_TRUE(eventually([&] { return all_gone(); }));
    EXPECT_EQ(bus_.acknowledged(), numbers(1, 30)) << "in order again, each once";
}

TEST_F(RelayTest, ReadsFromTheStoreWhatDoesNotFitIntoMemory) {
    config_.memory_events_max = 10;
    config_.in_flight_max = 5;
    config_.page_size = 8;
    start();
    ASSERT_TRUE(eventually([&] { return store_.reads == 1; }));
    bus_.set(BusOnDemand::Mode::hold);
    for (int i = 0; i < 500; ++i) store_.commit(1);
    ASSERT_TRUE(eventually([&] { return bus_.held() == 5; }));
    bus_.set(BusOnDemand::Mode::acknowledge);
    ASSERT_TRUE(eventually([&] { return all_gone(); }));
    EXPECT_EQ(bus_.begun(), numbers(1, 500));
    EXPECT_GT(store_.reads, 50);
    // It has caught up: what comes now comes from the listener again.
    const int reads = store_.reads;
    store_.commit(1);
    ASSERT_TRUE(eventually([&] { return all_gone(); }));
    EXPECT_EQ(store_.reads, reads);
    EXPECT_TRUE(eventually([&] { return gauge() == 0; }));
}

TEST_F(RelayTest, OneCommitLargerThanItsMemoryIsReadInPages) {
    config_.memory_events_max = 10;
    config_.page_size = 8;
    start();
    store_.commit(100);
    ASSERT_TRUE(eventually([&] { return all_gone(); }));
    EXPECT_EQ(bus_.begun(), numbers(1, 100));
}

TEST_F(RelayTest, TriesAgainToReadAndToRemoveWithoutPublishingTwice) {
    store_.commit(20);
    store_.fails = true;
    start();
    ASSERT_TRUE(eventually([&] { return store_.reads >= 3; }));
    store_.fails = false;
    ASSERT_TRUE(eventually([&] { return all_gone(); }));
    store_.fails = true;
    const int removals = store_.removals;
    store_.commit(20);
    ASSERT_TRUE(eventually([&] { return store_.removals >= removals + 3; }));
    EXPECT_EQ(store_.rows(), 20u);
    store_.fails = false;
    ASSERT_TRUE(eventually([&] { return all_gone(); }));
    EXPECT_EQ(bus_.begun(), numbers(1, 40));
}

TEST_F(RelayTest, StopWaitsForThoseUnderWayAndStartsNoMore) {
    config_.in_flight_max = 3;
    bus_.set(BusOnDemand::Mode::hold);
    start();
    store_.commit(10);
    ASSERT_TRUE(eventually([&] { return bus_.held() == 3; }));
    auto stopped = boost::asio::co_spawn(loop_.executor(), relay_->stop(10s), boost::asio::use_future);
    EXPECT_EQ(stopped.wait_for(0s), std::future_status::timeout);
    bus_.set(BusOnDemand::Mode::acknowledge);
    stopped.get();
    EXPECT_EQ(bus_.acknowledged(), numbers(1, 3));
    EXPECT_EQ(store_.rows(), 7u) << "removed are those that were acknowledged";
    store_.commit(1);
    EXPECT_EQ(bus_.begun().size(), 3u);
}

TEST_F(RelayTest, StopGivesUpAtItsDeadline) {
    bus_.set(BusOnDemand::Mode::hold);
    start();
    store_.commit(1);
    ASSERT_TRUE(eventually([&] { return bus_.held() == 1; }));
    stop(5ms);
    EXPECT_EQ(store_.rows(), 1u);
    bus_.set(BusOnDemand::Mode::acknowledge);
    ASSERT_TRUE(eventually([&] { return all_gone(); }));
}

TEST_F(RelayTest, TheNextRelayPublishesWhatTheFirstLeft) {
    bus_.set(BusOnDemand::Mode::refuse);
    start();
    store_.commit(5);
    ASSERT_TRUE(eventually([&] { return bus_.begun().size() >= 5; }));
    stop(1s);
    relay_.reset();
    bus_.set(BusOnDemand::Mode::acknowledge);
    start();
    ASSERT_TRUE(eventually([&] { return all_gone(); }));
    EXPECT_EQ(bus_.acknowledged(), numbers(1, 5));
}

}  // namespace
}  // namespace carillon::outbox
