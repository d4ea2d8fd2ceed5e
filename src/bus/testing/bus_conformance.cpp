#include "bus/testing/bus_conformance.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/ids.hpp"
#include "bus/testing/recorder.hpp"

namespace carillon::bus::testing {

using namespace std::chrono_literals;

// A room's hermetic tests link this room, too, and leave the suite to those with a server.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BusConformance);

bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

void BusConformance::SetUp() {
    under_test_ = GetParam()();
    publisher_ = new_loop();
}

void BusConformance::TearDown() {
    under_test_->stop();
    for (auto& loop : loops_) loop->stop();
    for (auto& loop : loops_) loop->join();
    under_test_.reset();
    publisher_ = {};
    loops_.clear();
}

loop::Executor BusConformance::new_loop() {
    loops_.push_back(std::make_unique<loop::EventLoop>("bus-test"));
    loops_.back()->start();
    return loops_.back()->executor();
}

std::future<base::Result<void>> BusConformance::start_publish(loop::Executor executor, Message sent) {
    return boost::asio::co_spawn(executor, bus().publish(std::move(sent)), boost::asio::use_future);
}

base::Result<void> BusConformance::publish(Message sent) {
    auto result = start_publish(publisher_, std::move(sent));
    if (result.wait_for(10s) != std::future_status::ready) return errc::unavailable;
    return result.get();
}

Message BusConformance::message(std::string subject, std::string payload) const {
    return {std::move(subject), base::EventId::generate(base::system_clock()).to_string(), std::move(payload), {}};
}

std::string BusConformance::durable_name(const std::string& hint) const {
    return hint + "-" + base::EventId::generate(base::system_clock()).to_string();
}

TEST_P(BusConformance, DeliversEveryMessageToAConsumerWithAllOfIt) {
    auto recorder = std::make_shared<Recorder>();
    auto subscription =
        bus().consume(recording_consumer(durable_name("all"), subject::kUserRegistered, new_loop(), recorder));
    auto first = message(subject::kUserRegistered, "one");
    first.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    ASSERT_TRUE(publish(first));
    ASSERT_TRUE(publish(message(subject::kUserRegistered, "two")));
    ASSERT_TRUE(publish(message(subject::kNotificationCreated, "of another subject")));
    ASSERT_TRUE(eventually([&] { return recorder->size() == 2; }));
    const auto entries = recorder->entries();
    EXPECT_EQ(entries[0].delivery.message.subject, subject::kUserRegistered);
    EXPECT_EQ(entries[0].delivery.message.message_id, first.message_id);
    EXPECT_EQ(entries[0].delivery.message.payload, "one");
    EXPECT_EQ(entries[0].delivery.message.traceparent, first.traceparent);
    EXPECT_EQ(entries[0].delivery.attempt, 1u);
    EXPECT_LT(entries[0].delivery.sequence, entries[1].delivery.sequence);
    EXPECT_EQ(entries[1].delivery.message.payload, "two");
}

TEST_P(BusConformance, FollowersSeeTheirSubjectsInStreamOrder) {
    auto both = std::make_shared<Recorder>();
    auto one = std::make_shared<Recorder>();
    auto follows_both = bus().follow(
        recording_follower({subject::kNotificationCreated, subject::kNotificationUpdated}, new_loop(), both));
    auto follows_one = bus().follow(recording_follower({subject::kNotificationUpdated}, new_loop(), one));
    std::vector<std::future<base::Result<void>>> results;
    std::vector<std::string> sent;
    for (int i = 0; i < 200; ++i) {
        sent.push_back(std::to_string(i));
        const auto* subject = i % 2 == 0 ? subject::kNotificationCreated : subject::kNotificationUpdated;
        results.push_back(start_publish(publisher_, message(subject, sent.back())));
    }
    for (auto& result : results) EXPECT_TRUE(result.get());
    ASSERT_TRUE(eventually([&] { return both->size() == 200 && one->size() == 100; }));
    EXPECT_EQ(both->payloads(), sent);
    const auto entries = both->entries();
    for (std::size_t i = 1; i < entries.size(); ++i) {
        EXPECT_GT(entries[i].delivery.sequence, entries[i - 1].delivery.sequence);
    }
    EXPECT_EQ(one->entries().front().delivery.message.payload, "1");
}

TEST_P(BusConformance, CompetingConsumersShareTheMessages) {
    auto left = std::make_shared<Recorder>();
    auto right = std::make_shared<Recorder>();
    const auto name = durable_name("shared");
    auto first = bus().consume(recording_consumer(name, subject::kUserRegistered, new_loop(), left));
    auto second = bus().consume(recording_consumer(name, subject::kUserRegistered, new_loop(), right));
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(publish(message(subject::kUserRegistered, std::to_string(i))));
    ASSERT_TRUE(eventually([&] { return left->size() + right->size() >= 40; }));
    EXPECT_GT(left->size(), 0u);
    EXPECT_GT(right->size(), 0u);
    for (int i = 0; i < 40; ++i) {
        const auto payload = std::to_string(i);
        EXPECT_EQ(left->count(payload) + right->count(payload), 1u) << payload;
    }
}

TEST_P(BusConformance, EveryDurableNameGetsEveryMessage) {
    auto left = std::make_shared<Recorder>();
    auto right = std::make_shared<Recorder>();
    auto first = bus().consume(recording_consumer(durable_name("a"), subject::kUserRegistered, new_loop(), left));
    auto second = bus().consume(recording_consumer(durable_name("b"), subject::kUserRegistered, new_loop(), right));
    ASSERT_TRUE(publish(message(subject::kUserRegistered, "for both")));
    EXPECT_TRUE(eventually([&] { return left->size() == 1 && right->size() == 1; }));
}

TEST_P(BusConformance, DeliversAgainUntilItIsAcknowledged) {
    auto recorder = std::make_shared<Recorder>();
    auto subscription = bus().consume(recording_consumer(durable_name("retry"), subject::kUserRegistered, new_loop(),
                                                         recorder, [](const Delivery& delivery) {
                                                             if (delivery.attempt == 1) return Outcome::retry;
                                                             if (delivery.attempt == 2)
                                                                 throw std::runtime_error("expected by the test");
                                                             return Outcome::acknowledged;
                                                         }));
    ASSERT_TRUE(publish(message(subject::kUserRegistered, "thrice")));
    ASSERT_TRUE(eventually([&] { return recorder->size() == 3; }));
    const auto entries = recorder->entries();
    EXPECT_EQ(entries[2].delivery.attempt, 3u);
    EXPECT_EQ(entries[0].delivery.sequence, entries[2].delivery.sequence);
    EXPECT_TRUE(under_test_->dead_letters().empty());
}

TEST_P(BusConformance, PoisonIsDeadLetteredAtOnceAndTheNextPasses) {
    auto recorder = std::make_shared<Recorder>();
    auto subscription = bus().consume(recording_consumer(
        durable_name("poison"), subject::kUserRegistered, new_loop(), recorder, [](const Delivery& delivery) {
            return delivery.message.payload == "bad" ? Outcome::poison : Outcome::acknowledged;
        }));
    const auto bad = message(subject::kUserRegistered, "bad");
    ASSERT_TRUE(publish(bad));
    ASSERT_TRUE(publish(message(subject::kUserRegistered, "good")));
    ASSERT_TRUE(eventually([&] { return recorder->count("good") == 1 && under_test_->dead_letters().size() == 1; }));
    EXPECT_EQ(recorder->count("bad"), 1u);
    const auto letter = under_test_->dead_letters().front();
    EXPECT_EQ(letter.delivery.message.message_id, bad.message_id);
    EXPECT_EQ(letter.delivery.message.payload, "bad");
    EXPECT_NE(letter.reason.find("poison"), std::string::npos) << letter.reason;
}

TEST_P(BusConformance, GivesUpAfterAFiniteNumberOfDeliveriesAndSaysWhy) {
    auto recorder = std::make_shared<Recorder>();
    auto subscription = bus().consume(
        recording_consumer(durable_name("exhausted"), subject::kUserRegistered, new_loop(), recorder,
                           [](const Delivery&) -> Outcome { throw std::runtime_error("no luck today"); }));
    ASSERT_TRUE(publish(message(subject::kUserRegistered, "hopeless")));
    ASSERT_TRUE(eventually([&] { return under_test_->dead_letters().size() == 1; }));
    EXPECT_EQ(recorder->size(), under_test_->deliveries_max());
    const auto letter = under_test_->dead_letters().front();
    EXPECT_EQ(letter.delivery.attempt, under_test_->deliveries_max());
    EXPECT_NE(letter.reason.find("no luck today"), std::string::npos) << letter.reason;
}

TEST_P(BusConformance, AnEndedSubscriptionGetsNothing) {
    auto ended = std::make_shared<Recorder>();
    auto staying = std::make_shared<Recorder>();
    const auto name = durable_name("ended");
    auto leaves = bus().consume(recording_consumer(name, subject::kUserRegistered, new_loop(), ended));
    auto stays = bus().consume(recording_consumer(name, subject::kUserRegistered, new_loop(), staying));
    auto stops_following = bus().follow(recording_follower({subject::kUserRegistered}, new_loop(), ended));
    leaves.reset();
    stops_following.reset();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(publish(message(subject::kUserRegistered, std::to_string(i))));
    ASSERT_TRUE(eventually([&] { return staying->size() == 10; }));
    EXPECT_EQ(ended->size(), 0u);
}

TEST_P(BusConformance, TakesMessagesFromManyExecutorsAndKeepsTheOrderOfEach) {
    auto seen = std::make_shared<Recorder>();
    auto consumed = std::make_shared<Recorder>();
    auto follows = bus().follow(recording_follower({subject::kNotificationCreated}, new_loop(), seen));
    auto consumes =
        bus().consume(recording_consumer(durable_name("many"), subject::kNotificationCreated, new_loop(), consumed));
    constexpr int kPublishers = 4;
    constexpr int kEach = 50;
    std::vector<loop::Executor> publishers;
    for (int p = 0; p < kPublishers; ++p) publishers.push_back(new_loop());
    std::vector<std::future<base::Result<void>>> results;
    for (int i = 0; i < kEach; ++i) {
        for (int p = 0; p < kPublishers; ++p) {
            auto sent = message(subject::kNotificationCreated, std::to_string(p) + ":" + std::to_string(i));
            results.push_back(start_publish(publishers[static_cast<std::size_t>(p)], std::move(sent)));
        }
    }
    for (auto& result : results) EXPECT_TRUE(result.get());
    ASSERT_TRUE(eventually([&] { return seen->size() == kPublishers * kEach && consumed->size() >= seen->size(); }));
    std::vector<int> next(kPublishers, 0);
    std::uint64_t last_sequence = 0;
    for (const auto& entry : seen->entries()) {
        const auto& payload = entry.delivery.message.payload;
        const auto from = static_cast<std::size_t>(payload[0] - '0');
        EXPECT_EQ(payload.substr(2), std::to_string(next[from]++));
        EXPECT_GT(entry.delivery.sequence, last_sequence);
        last_sequence = entry.delivery.sequence;
    }
}

TEST_P(BusConformance, HandlersRunOnTheirOwnExecutor) {
    auto consumed = std::make_shared<Recorder>();
    auto seen = std::make_shared<Recorder>();
    const auto consuming = new_loop();
    const auto following = new_loop();
    auto consumes =
        bus().consume(recording_consumer(durable_name("own"), subject::kUserRegistered, consuming, consumed));
    auto follows = bus().follow(recording_follower({subject::kUserRegistered}, following, seen));
    std::promise<std::thread::id> consuming_thread;
    std::promise<std::thread::id> following_thread;
    loop::post(consuming, [&] { consuming_thread.set_value(std::this_thread::get_id()); });
    loop::post(following, [&] { following_thread.set_value(std::this_thread::get_id()); });
    ASSERT_TRUE(publish(message(subject::kUserRegistered, "x")));
    ASSERT_TRUE(eventually([&] { return consumed->size() == 1 && seen->size() == 1; }));
    EXPECT_EQ(consumed->entries()[0].thread, consuming_thread.get_future().get());
    EXPECT_EQ(seen->entries()[0].thread, following_thread.get_future().get());
}

TEST_P(BusConformance, ARepeatedMessageIdIsDropped) {
    auto consumed = std::make_shared<Recorder>();
    auto seen = std::make_shared<Recorder>();
    auto consumes =
        bus().consume(recording_consumer(durable_name("once"), subject::kUserRegistered, new_loop(), consumed));
    auto follows = bus().follow(recording_follower({subject::kUserRegistered}, new_loop(), seen));
    const auto repeated = message(subject::kUserRegistered, "once");
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(publish(repeated));
    ASSERT_TRUE(publish(message(subject::kUserRegistered, "last")));
    ASSERT_TRUE(eventually([&] { return consumed->count("last") == 1 && seen->count("last") == 1; }));
    EXPECT_EQ(consumed->count("once"), 1u);
    EXPECT_EQ(seen->count("once"), 1u);
}

TEST_P(BusConformance, KeepsTheDeadLettersThatFollowersHandIn) {
    const Delivery delivery{message(subject::kNotificationCreated, "{broken"), 7, 1};
    auto done =
        boost::asio::co_spawn(publisher_, bus().dead_letter({delivery, "/title: is missing"}), boost::asio::use_future);
    ASSERT_TRUE(done.get());
    ASSERT_TRUE(eventually([&] { return under_test_->dead_letters().size() == 1; }));
    const auto letter = under_test_->dead_letters().front();
    EXPECT_EQ(letter.delivery.message.payload, "{broken");
    EXPECT_EQ(letter.reason, "/title: is missing");
}

namespace {

/// What a listener has heard. Thread: any.
struct Heard {
    void add(const std::string& payload) {
        const std::lock_guard lock{mutex};
        payloads.push_back(payload);
        executor_thread = std::this_thread::get_id();
    }
    bool has(const std::string& payload) const {
        const std::lock_guard lock{mutex};
        return std::find(payloads.begin(), payloads.end(), payload) != payloads.end();
    }
    std::size_t size() const {
        const std::lock_guard lock{mutex};
        return payloads.size();
    }

    mutable std::mutex mutex;
    std::vector<std::string> payloads;
    std::thread::id executor_thread;
};

Listener heard_by(std::shared_ptr<Heard> heard, std::string subject, loop::Executor executor) {
    return {std::move(subject), std::move(executor), [heard](const std::string& payload) { heard->add(payload); }};
}

}  // namespace

TEST_P(BusConformance, AnnouncementsReachAllWhoListenNowAndNobodyElse) {
    auto one = std::make_shared<Heard>();
    auto two = std::make_shared<Heard>();
    auto other = std::make_shared<Heard>();
    {
        // An announcement is on its way for a moment: one who is there already says that it has passed.
        auto early = std::make_shared<Heard>();
        const auto listening = bus().listen(heard_by(early, "gateway.test", new_loop()));
        ASSERT_TRUE(eventually([&] {
            bus().announce("gateway.test", "is anybody there");
            std::this_thread::sleep_for(1ms);
            return early->size() > 0;
        }));
        bus().announce("gateway.test", "before the others listen");
        ASSERT_TRUE(eventually([&] { return early->has("before the others listen"); }));
    }
    auto first = bus().listen(heard_by(one, "gateway.test", new_loop()));
    auto second = bus().listen(heard_by(two, "gateway.test", new_loop()));
    auto third = bus().listen(heard_by(other, "gateway.other", new_loop()));
    // At most once, and only once they are there: said again until they hear.
    int said = 0;
    const auto say = [&](const char* subject) { bus().announce(subject, std::to_string(++said)); };
    ASSERT_TRUE(eventually([&] {
        if (one->size() == 0 || two->size() == 0) say("gateway.test");
        if (other->size() == 0) say("gateway.other");
        std::this_thread::sleep_for(1ms);
        return one->size() > 0 && two->size() > 0 && other->size() > 0;
    }));
    bus().announce("gateway.other", "for the other");
    bus().announce("gateway.test", "for both");
    ASSERT_TRUE(
        eventually([&] { return one->has("for both") && two->has("for both") && other->has("for the other"); }));
    EXPECT_FALSE(one->has("before the others listen"));
    EXPECT_FALSE(one->has("for the other"));
    EXPECT_FALSE(other->has("for both"));
    EXPECT_NE(one->executor_thread, two->executor_thread) << "each on its own executor";

    first.reset();
    const auto heard = one->size();
    bus().announce("gateway.test", "after one has left");
    ASSERT_TRUE(eventually([&] { return two->has("after one has left"); }));
    EXPECT_EQ(one->size(), heard);
}

TEST_P(BusConformance, IsAvailableWhileItRuns) {
    EXPECT_TRUE(bus().available());
}

}  // namespace carillon::bus::testing
