#include "bus/local/local_bus.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <mutex>
#include <stdexcept>

#include "base/testing/fake_clock.hpp"
#include "bus/testing/bus_conformance.hpp"
#include "bus/testing/recorder.hpp"

namespace carillon::bus {
namespace {

using namespace std::chrono_literals;
using testing::eventually;
using testing::Recorder;
using testing::recording_consumer;
using testing::recording_follower;

LocalBusConfig fast_config() {
    LocalBusConfig config;
    config.retry_pause_min = 1ms;
    config.retry_pause_max = 4ms;
    config.deliveries_max = 5;
    return config;
}

class LocalBusUnderTest final : public testing::BusUnderTest {
 public:
    Bus& bus() override { return bus_; }
    std::vector<DeadLetter> dead_letters() override {
        const std::lock_guard lock{mutex_};
        return letters_;
    }
    std::uint32_t deliveries_max() const override { return fast_config().deliveries_max; }
    void stop() override { bus_.stop(); }

 private:
    void keep(const DeadLetter& letter) {
        const std::lock_guard lock{mutex_};
        letters_.push_back(letter);
    }

    std::mutex mutex_;
    std::vector<DeadLetter> letters_;
    LocalBus bus_{base::system_clock(), [this](const DeadLetter& letter) { keep(letter); }, fast_config()};
};

std::unique_ptr<testing::BusUnderTest> make_under_test() {
    return std::make_unique<LocalBusUnderTest>();
}

}  // namespace

namespace testing {
INSTANTIATE_TEST_SUITE_P(Local, BusConformance, ::testing::Values(BusFactory{make_under_test}));
}  // namespace testing

namespace {

/// A bus with a fake clock, and two loops.
class LocalBusTest : public ::testing::Test {
 protected:
    LocalBusTest() {
        publishing_.start();
        handling_.start();
    }
    ~LocalBusTest() override {
        if (bus_) bus_->stop();
        publishing_.stop();
        handling_.stop();
        publishing_.join();
        handling_.join();
    }

    LocalBus& make_bus(LocalBusConfig config = fast_config(), DeadLetterSink sink = {}) {
        bus_ = std::make_unique<LocalBus>(clock_, std::move(sink), config);
        return *bus_;
    }
    std::future<base::Result<void>> start_publish(Message message) {
        return boost::asio::co_spawn(publishing_.executor(), bus_->publish(std::move(message)),
                                     boost::asio::use_future);
    }
    base::Result<void> publish(Message message) { return start_publish(std::move(message)).get(); }
    Message message(std::string id, std::string payload = "x") const {
        return {subject::kUserRegistered, std::move(id), std::move(payload), {}};
    }
    Consumer consumer(std::string name, testing::Answer answer) {
        return recording_consumer(std::move(name), subject::kUserRegistered, handling_.executor(), consumed_,
                                  std::move(answer));
    }

    loop::EventLoop publishing_{"publishing"};
    loop::EventLoop handling_{"handling"};
    base::FakeClock clock_;
    std::unique_ptr<LocalBus> bus_;
    std::shared_ptr<Recorder> consumed_ = std::make_shared<Recorder>();
    std::shared_ptr<Recorder> followed_ = std::make_shared<Recorder>();
};

Outcome acknowledge(const Delivery&) {
    return Outcome::acknowledged;
}

/// Holds handlers until it is opened.
struct Gate {
    std::promise<void> promise;
    std::shared_future<void> opened{promise.get_future().share()};

    testing::Answer answer() {
        return [opening = opened](const Delivery&) {
            opening.wait();
            return Outcome::acknowledged;
        };
    }
};

TEST_F(LocalBusTest, PublishWaitsForTheAcknowledgement) {
    auto& bus = make_bus();
    Gate gate;
    auto subscription = bus.consume(consumer("one", gate.answer()));
    auto result = start_publish(message("1"));
    ASSERT_TRUE(eventually([&] { return consumed_->size() == 1; }));
    EXPECT_EQ(result.wait_for(0s), std::future_status::timeout);
    EXPECT_EQ(bus.in_flight(), 1u);
    gate.promise.set_value();
    EXPECT_TRUE(result.get());
    EXPECT_EQ(bus.in_flight(), 0u);
}

TEST_F(LocalBusTest, RefusesMoreInFlightThanItsBound) {
    auto config = fast_config();
    config.in_flight_max = 2;
    auto& bus = make_bus(config);
    Gate gate;
    auto subscription = bus.consume(consumer("one", gate.answer()));
    auto first = start_publish(message("1"));
    auto second = start_publish(message("2"));
    EXPECT_EQ(publish(message("3")).error(), errc::overloaded);
    gate.promise.set_value();
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(second.get());
    EXPECT_TRUE(publish(message("3")));
    EXPECT_EQ(consumed_->size(), 3u);
}

TEST_F(LocalBusTest, KeepsNothingFromAGroupWhoseConsumersHaveLeft) {
    auto& bus = make_bus();
    auto staying = std::make_shared<Recorder>();
    auto stays = bus.consume(
        recording_consumer("staying", subject::kUserRegistered, handling_.executor(), staying, acknowledge));
    auto follows = bus.follow(recording_follower({subject::kUserRegistered}, handling_.executor(), followed_));
    auto leaves = bus.consume(consumer("leaving", acknowledge));
    leaves.reset();
    EXPECT_EQ(publish(message("1")).error(), errc::unavailable);

    auto returns = bus.consume(consumer("leaving", acknowledge));
    EXPECT_TRUE(publish(message("1")));
    EXPECT_EQ(consumed_->size(), 1u);
    EXPECT_EQ(staying->size(), 1u) << "who had it does not get it again";
    ASSERT_TRUE(publish(message("2")));
    ASSERT_TRUE(eventually([&] { return followed_->size() >= 2; }));
    EXPECT_EQ(followed_->entries()[1].delivery.sequence, 2u);
    EXPECT_EQ(followed_->size(), 2u);
}

TEST_F(LocalBusTest, AConsumerThatLeavesWhileItsMessageWaitsHandsItToAnother) {
    auto& bus = make_bus();
    std::promise<void> opened;
    loop::post(handling_.executor(), [&opened] { opened.get_future().wait(); });
    auto leaves = bus.consume(consumer("shared", acknowledge));
    auto result = start_publish(message("1"));
    ASSERT_TRUE(eventually([&] { return bus.in_flight() == 1; }));
    loop::EventLoop other{"other"};
    other.start();
    auto taken = std::make_shared<Recorder>();
    auto stays =
        bus.consume(recording_consumer("shared", subject::kUserRegistered, other.executor(), taken, acknowledge));
    leaves.reset();
    opened.set_value();
    EXPECT_TRUE(result.get());
    EXPECT_EQ(taken->size(), 1u);
    EXPECT_EQ(consumed_->size(), 0u);
    bus.stop();
}

TEST_F(LocalBusTest, StopEndsWhatIsInFlight) {
    auto& bus = make_bus();
    Gate gate;
    auto subscription = bus.consume(consumer("one", gate.answer()));
    auto running = start_publish(message("1"));
    auto joined = start_publish(message("1"));
    ASSERT_TRUE(eventually([&] { return consumed_->size() == 1; }));
    bus.stop();
    EXPECT_EQ(running.get().error(), errc::closed);
    EXPECT_FALSE(joined.get());
    EXPECT_EQ(publish(message("2")).error(), errc::closed);
    EXPECT_FALSE(bus.available());
    gate.promise.set_value();
}

TEST_F(LocalBusTest, StopEndsThePauseBeforeARetry) {
    auto config = fast_config();
    config.retry_pause_min = config.retry_pause_max = 1h;
    auto& bus = make_bus(config);
    auto subscription = bus.consume(consumer("one", [](const Delivery&) { return Outcome::retry; }));
    auto result = start_publish(message("1"));
    ASSERT_TRUE(eventually([&] { return consumed_->size() == 1; }));
    bus.stop();
    EXPECT_EQ(result.get().error(), errc::closed);
}

TEST_F(LocalBusTest, ARepeatWhileTheFirstRunsSharesItsResult) {
    auto& bus = make_bus();
    Gate gate;
    auto subscription = bus.consume(consumer("one", gate.answer()));
    auto first = start_publish(message("1"));
    auto repeat = start_publish(message("1"));
    ASSERT_TRUE(eventually([&] { return consumed_->size() == 1; }));
    EXPECT_EQ(repeat.wait_for(0s), std::future_status::timeout);
    gate.promise.set_value();
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(repeat.get());
    EXPECT_EQ(consumed_->size(), 1u);
}

TEST_F(LocalBusTest, ForgetsAMessageIdAfterTheWindow) {
    auto& bus = make_bus();
    auto subscription = bus.consume(consumer("one", acknowledge));
    ASSERT_TRUE(publish(message("1")));
    clock_.advance(119s);
    ASSERT_TRUE(publish(message("1")));
    EXPECT_EQ(consumed_->size(), 1u);
    clock_.advance(1s);
    ASSERT_TRUE(publish(message("1")));
    EXPECT_EQ(consumed_->size(), 2u);
}

TEST_F(LocalBusTest, RemembersABoundedNumberOfIds) {
    auto config = fast_config();
    config.dedupe_ids_max = 2;
    auto& bus = make_bus(config);
    auto subscription = bus.consume(consumer("one", acknowledge));
    for (const auto* id : {"1", "2", "3"}) ASSERT_TRUE(publish(message(id)));
    ASSERT_TRUE(publish(message("3")));
    EXPECT_EQ(consumed_->size(), 3u);
    ASSERT_TRUE(publish(message("1")));
    EXPECT_EQ(consumed_->size(), 4u);
}

TEST_F(LocalBusTest, MessagesWithoutAnIdAreNotToldApart) {
    auto& bus = make_bus();
    auto subscription = bus.consume(consumer("one", acknowledge));
    ASSERT_TRUE(publish(message("")));
    ASSERT_TRUE(publish(message("")));
    EXPECT_EQ(consumed_->size(), 2u);
}

TEST_F(LocalBusTest, EachStreamCountsOnItsOwn) {
    auto& bus = make_bus();
    auto follows = bus.follow(
        recording_follower({subject::kUserRegistered, subject::kNotificationCreated, subject::kNotificationUpdated},
                           handling_.executor(), followed_));
    for (const auto* name : {subject::kNotificationCreated, subject::kUserRegistered, subject::kNotificationUpdated}) {
        ASSERT_TRUE(publish({name, name, "x", {}}));
    }
    ASSERT_TRUE(eventually([&] { return followed_->size() == 3; }));
    const auto entries = followed_->entries();
    EXPECT_EQ(entries[0].delivery.sequence, 1u);
    EXPECT_EQ(entries[1].delivery.sequence, 1u);
    EXPECT_EQ(entries[2].delivery.sequence, 2u);
}

TEST_F(LocalBusTest, ASlowFollowerGetsAGapAndHoldsNobodyUp) {
    auto config = fast_config();
    config.follower_messages_max = 3;
    auto& bus = make_bus(config);
    Gate gate;
    std::vector<std::string> told;
    Follower follower{{subject::kUserRegistered},
                      handling_.executor(),
                      [&, opened = gate.opened](const Delivery& delivery) {
                          opened.wait();
                          told.push_back(delivery.message.payload);
                      },
                      [&] { told.push_back("gap"); }};
    auto follows = bus.follow(follower);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(publish(message(std::to_string(i), std::to_string(i))));
    gate.promise.set_value();
    std::promise<std::vector<std::string>> seen;
    ASSERT_TRUE(eventually([&] {
        std::promise<bool> gap;
        loop::post(handling_.executor(), [&] { gap.set_value(!told.empty() && told.back() == "gap"); });
        return gap.get_future().get();
    }));
    ASSERT_TRUE(publish(message("after", "after")));
    ASSERT_TRUE(eventually([&] {
        std::promise<bool> after;
        loop::post(handling_.executor(), [&] { after.set_value(told.back() == "after"); });
        return after.get_future().get();
    }));
    loop::post(handling_.executor(), [&] { seen.set_value(told); });
    const auto all = seen.get_future().get();
    EXPECT_EQ(all.front(), "0");
    EXPECT_EQ(std::count(all.begin(), all.end(), "gap"), 1);
    EXPECT_LE(all.size(), 6u);
}

TEST_F(LocalBusTest, AFollowerThatThrowsGetsTheNextMessage) {
    auto& bus = make_bus();
    std::atomic<int> calls{0};
    Follower follower{{subject::kUserRegistered},
                      handling_.executor(),
                      [&](const Delivery&) {
                          if (++calls == 1) throw std::runtime_error("expected by the test");
                      },
                      {}};
    auto follows = bus.follow(follower);
    ASSERT_TRUE(publish(message("1")));
    ASSERT_TRUE(publish(message("2")));
    EXPECT_TRUE(eventually([&] { return calls == 2; }));
}

loop::Task<Outcome> answer_late(std::shared_ptr<Recorder> recorder, Delivery delivery) {
    recorder->add(delivery);
    if (delivery.attempt == 1) co_await loop::sleep_for(1h);
    co_return Outcome::acknowledged;
}

TEST_F(LocalBusTest, AHandlerThatNeverAnswersIsTriedAgain) {
    auto config = fast_config();
    config.handler_timeout = 5ms;
    config.deliveries_max = 1'000;  // on a busy machine the later ones may be late, too
    auto& bus = make_bus(config);
    auto subscription = bus.consume({"late", subject::kUserRegistered, handling_.executor(),
                                     [&](Delivery delivery) { return answer_late(consumed_, std::move(delivery)); }});
    EXPECT_TRUE(publish(message("1")));
    EXPECT_GE(consumed_->size(), 2u);
    EXPECT_EQ(bus.dead_letters(), 0u);
}

/// Publishes `follow_up` from within the handler, on its executor.
loop::Task<Outcome> publish_and_acknowledge(LocalBus& bus, Message follow_up) {
    auto publishing = bus.publish(std::move(follow_up));
    const auto published = co_await std::move(publishing);
    co_return published ? Outcome::acknowledged : Outcome::retry;
}

TEST_F(LocalBusTest, HandlersMayShareTheExecutorOfThePublisherAndPublishThemselves) {
    auto& bus = make_bus();
    auto first = bus.consume(
        {"first", subject::kUserRegistered, publishing_.executor(), [&](const Delivery& delivery) {
             return publish_and_acknowledge(bus, {subject::kNotificationCreated, delivery.message.message_id, "y", {}});
         }});
    auto second = bus.consume(
        recording_consumer("second", subject::kNotificationCreated, publishing_.executor(), consumed_, acknowledge));
    std::vector<std::future<base::Result<void>>> results;
    for (int i = 0; i < 100; ++i) results.push_back(start_publish(message(std::to_string(i))));
    for (auto& result : results) EXPECT_TRUE(result.get());
    EXPECT_EQ(consumed_->size(), 100u);
}

TEST_F(LocalBusTest, CountsDeadLettersEvenWhenTheSinkFails) {
    auto& bus = make_bus(fast_config(), [](const DeadLetter&) { throw std::runtime_error("expected by the test"); });
    auto subscription = bus.consume(consumer("one", [](const Delivery&) { return Outcome::poison; }));
    EXPECT_TRUE(publish(message("1")));
    EXPECT_EQ(bus.dead_letters(), 1u);
}

}  // namespace
}  // namespace carillon::bus
