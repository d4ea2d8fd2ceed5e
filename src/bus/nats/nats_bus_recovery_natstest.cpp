// What happens when NATS goes away, comes back, is misconfigured or tampered with.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <iostream>

#include "base/ids.hpp"
#include "bus/nats/dead_letter_box.hpp"
#include "bus/nats/link.hpp"
#include "bus/nats/nats_bus.hpp"
#include "bus/testing/bus_conformance.hpp"
#include "bus/testing/nats_server.hpp"
#include "bus/testing/recorder.hpp"

namespace carillon::bus {
namespace {

using namespace std::chrono_literals;
using testing::eventually;
using testing::NatsServer;
using testing::Recorder;
using testing::recording_consumer;

constexpr auto kStreams = {StreamName::user_event, StreamName::notification_event, StreamName::dead_letter};

NatsOptions options_for(const NatsServer& server) {
    NatsOptions options;
    options.urls = {server.url()};
    options.streams = kStreams;
    options.retry_pause_min = 1ms;
    options.retry_pause_max = 20ms;
    options.heartbeat = 200ms;
    options.check_interval = 200ms;
    options.reconnect_pause_max = 200ms;
    options.publish_timeout = 2s;
    options.request_timeout = 2s;
    options.ack_wait = 2s;
    options.subscribe_wait = 500ms;
    return options;
}

/// Counts gaps beside what it records.
struct Following {
    std::shared_ptr<Recorder> seen = std::make_shared<Recorder>();
    std::shared_ptr<std::atomic<int>> gaps = std::make_shared<std::atomic<int>>(0);

    Follower follower(std::vector<std::string> subjects, loop::Executor executor) const {
        return {std::move(subjects), std::move(executor),
                [seen = seen](const Delivery& delivery) { seen->add(delivery); }, [gaps = gaps] { ++*gaps; }};
    }
};

class NatsBusRecovery : public ::testing::Test {
 protected:
    NatsBusRecovery() { ::testing::internal::CaptureStderr(); }
    ~NatsBusRecovery() override {
        if (bus_) bus_->stop();
        for (auto& loop : loops_) loop->stop();
        for (auto& loop : loops_) loop->join();
        bus_.reset();
        const auto text = log();
        if (HasFailure()) std::cout << text;
    }

    NatsServer& serve(NatsServer::Options options = {}) {
        server_ = std::make_unique<NatsServer>(std::move(options));
        return *server_;
    }
    NatsBus& connect(NatsOptions options) {
        bus_ = std::make_unique<NatsBus>(std::move(options));
        bus_->start();
        return *bus_;
    }
    NatsBus& connect() {
        auto& bus = connect(options_for(serve()));
        EXPECT_TRUE(eventually([&] { return bus.available(); }));
        return bus;
    }
    loop::Executor new_loop() {
        loops_.push_back(std::make_unique<loop::EventLoop>("bus-test"));
        loops_.back()->start();
        return loops_.back()->executor();
    }
    base::Result<void> publish(const std::string& subject, const std::string& payload, std::string id = {}) {
        if (id.empty()) id = base::EventId::generate(base::system_clock()).to_string();
        if (!publisher_) publisher_ = new_loop();
        return boost::asio::co_spawn(*publisher_, bus_->publish({subject, id, payload, {}}), boost::asio::use_future)
            .get();
    }
    /// As the outbox does: again and again with the same id.
    bool publish_until_stored(const std::string& subject, const std::string& payload) {
        const auto id = base::EventId::generate(base::system_clock()).to_string();
        return eventually([&] { return publish(subject, payload, id).has_value(); });
    }
    /// A connection of the test's own, to tamper by.
    std::shared_ptr<Link> tamper() const {
        auto link = Link::open(options_for(*server_), {});
        EXPECT_TRUE(link);
        return *link;
    }
    /// What was logged; takes it.
    std::string log() {
        if (!captured_) return log_;
        log_ += ::testing::internal::GetCapturedStderr();
        captured_ = false;
        return log_;
    }
    std::size_t lines_with(const std::string& text) {
        const auto all = log();
        std::size_t count = 0;
        for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++count;
        return count;
    }

    std::unique_ptr<NatsServer> server_;
    std::unique_ptr<NatsBus> bus_;

 private:
    std::vector<std::unique_ptr<loop::EventLoop>> loops_;
    std::optional<loop::Executor> publisher_;
    std::string log_;
    bool captured_ = true;
};

TEST_F(NatsBusRecovery, GoesOnWhereItWasWhenTheServerIsKilledAndComesBack) {
    auto& bus = connect();
    const Following following;
    auto follows = bus.follow(following.follower({subject::kNotificationCreated}, new_loop()));
    auto consumed = std::make_shared<Recorder>();
    auto consumes = bus.consume(recording_consumer("d", subject::kUserRegistered, new_loop(), consumed));
    ASSERT_TRUE(publish(subject::kNotificationCreated, "before"));
    ASSERT_TRUE(publish(subject::kUserRegistered, "before"));
    ASSERT_TRUE(eventually([&] { return following.seen->size() == 1 && consumed->size() == 1; }));

    server_->kill();
    ASSERT_TRUE(eventually([&] { return !bus.available(); }));
    EXPECT_EQ(publish(subject::kNotificationCreated, "away").error(), make_error_code(errc::unavailable));
    server_->start();
    ASSERT_TRUE(publish_until_stored(subject::kNotificationCreated, "after"));
    ASSERT_TRUE(publish_until_stored(subject::kUserRegistered, "after"));
    ASSERT_TRUE(eventually([&] { return following.seen->count("after") == 1 && consumed->count("after") == 1; }));
    EXPECT_EQ(following.seen->count("before"), 1u);
    EXPECT_EQ(consumed->count("before"), 1u);
    EXPECT_EQ(*following.gaps, 0);
    EXPECT_EQ(lines_with("the connection to NATS was lost"), 1u);
    EXPECT_EQ(lines_with("connected to NATS"), 2u);
}

TEST_F(NatsBusRecovery, AFollowerSeesWhatWasPublishedWhileItsConnectionWasGone) {
    auto& bus = connect();
    const Following following;
    auto follows = bus.follow(following.follower({subject::kNotificationCreated}, new_loop()));
    ASSERT_TRUE(publish(subject::kNotificationCreated, "0"));
    ASSERT_TRUE(eventually([&] { return following.seen->size() == 1; }));
    std::vector<std::string> sent{"0"};
    for (int round = 1; round <= 3; ++round) {
        server_->stop();
        server_->start();
        {
            // Published by somebody else, most likely before the follower is back.
            const auto other = tamper();
            const auto payload = std::to_string(round);
            ASSERT_EQ(js_Publish(nullptr, other->js(), subject::kNotificationCreated, payload.data(),
                                 static_cast<int>(payload.size()), nullptr, nullptr),
                      NATS_OK);
            sent.push_back(payload);
        }
        ASSERT_TRUE(eventually([&] { return following.seen->size() == sent.size(); })) << round;
    }
    EXPECT_EQ(following.seen->payloads(), sent);
    EXPECT_EQ(*following.gaps, 0);
}

TEST_F(NatsBusRecovery, AFrozenServerIsNoticedAndItsRevivalToo) {
    auto& bus = connect();
    const Following following;
    auto follows = bus.follow(following.follower({subject::kNotificationCreated}, new_loop()));
    server_->freeze();
    EXPECT_EQ(publish(subject::kNotificationCreated, "frozen", "one").error(), make_error_code(errc::unavailable));
    server_->thaw();
    // The first may have been stored: the id makes it one.
    ASSERT_TRUE(eventually([&] { return publish(subject::kNotificationCreated, "frozen", "one").has_value(); }));
    ASSERT_TRUE(publish_until_stored(subject::kNotificationCreated, "last"));
    ASSERT_TRUE(eventually([&] { return following.seen->count("last") == 1; }));
    EXPECT_EQ(following.seen->count("frozen"), 1u);
}

TEST_F(NatsBusRecovery, StartsWithoutAServerAndTellsTheFollowerThatItCameLate) {
    auto& server = serve();
    const auto options = options_for(server);
    server.stop();
    auto& bus = connect(options);
    const Following following;
    auto follows = bus.follow(following.follower({subject::kNotificationCreated}, new_loop()));
    EXPECT_FALSE(bus.available());
    EXPECT_EQ(*following.gaps, 0);
    server.start();
    ASSERT_TRUE(eventually([&] { return *following.gaps == 1; }));
    ASSERT_TRUE(publish_until_stored(subject::kNotificationCreated, "x"));
    EXPECT_TRUE(eventually([&] { return following.seen->count("x") == 1; }));
    EXPECT_EQ(*following.gaps, 1);
    EXPECT_EQ(lines_with("NATS cannot be reached"), 1u) << "said once, however often it was tried";
}

TEST_F(NatsBusRecovery, AStreamThatIsDeletedIsMadeAgainAndTheFollowerKnows) {
    auto& bus = connect();
    const Following following;
    auto follows =
        bus.follow(following.follower({subject::kNotificationCreated, subject::kNotificationUpdated}, new_loop()));
    auto consumed = std::make_shared<Recorder>();
    auto consumes = bus.consume(recording_consumer("d", subject::kUserRegistered, new_loop(), consumed));
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(publish(subject::kNotificationCreated, "old"));
    ASSERT_TRUE(publish(subject::kUserRegistered, "old"));
    ASSERT_TRUE(eventually([&] { return following.seen->size() == 5 && consumed->size() == 1; }));
    const auto other = tamper();
    ASSERT_EQ(js_DeleteStream(other->js(), "NOTIFICATION_EVENT", nullptr, nullptr), NATS_OK);
    ASSERT_EQ(js_DeleteStream(other->js(), "USER_EVENT", nullptr, nullptr), NATS_OK);
    ASSERT_TRUE(publish_until_stored(subject::kNotificationCreated, "new"));
    ASSERT_TRUE(publish_until_stored(subject::kUserRegistered, "new"));
    ASSERT_TRUE(eventually([&] { return following.seen->count("new") == 1 && consumed->count("new") == 1; }));
    EXPECT_TRUE(eventually([&] { return *following.gaps >= 1; }));
    EXPECT_EQ(following.seen->entries().back().delivery.sequence, 1u);
    EXPECT_EQ(lines_with("a stream was deleted and will be made anew"), 2u);
}

TEST_F(NatsBusRecovery, AStreamMadeAnewBehindTheFollowersBackIsAGapToo) {
    auto& bus = connect();
    const Following following;
    auto follows = bus.follow(following.follower({subject::kNotificationCreated}, new_loop()));
    ASSERT_TRUE(publish(subject::kNotificationCreated, "old"));
    ASSERT_TRUE(eventually([&] { return following.seen->size() == 1; }));
    const auto other = tamper();
    ASSERT_EQ(js_DeleteStream(other->js(), "NOTIFICATION_EVENT", nullptr, nullptr), NATS_OK);
    const char* subjects[] = {"notification.created", "notification.updated"};
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = "NOTIFICATION_EVENT";
    config.Subjects = subjects;
    config.SubjectsLen = 2;
    // The bus may be quicker; either way it is another stream.
    js_AddStream(nullptr, other->js(), &config, nullptr, nullptr);
    ASSERT_TRUE(publish_until_stored(subject::kNotificationCreated, "new"));
    EXPECT_TRUE(eventually([&] { return *following.gaps >= 1 && following.seen->count("new") == 1; }));
}

TEST_F(NatsBusRecovery, MessagesThatWereRemovedBeforeTheyWereSeenAreAGap) {
    auto& bus = connect();
    const Following following;
    const auto executor = new_loop();
    auto follows = bus.follow(following.follower({subject::kNotificationCreated}, executor));
    ASSERT_TRUE(publish(subject::kNotificationCreated, "seen"));
    ASSERT_TRUE(eventually([&] { return following.seen->size() == 1; }));
    // The server comes back with a message that is removed before the follower asks for it.
    server_->stop();
    server_->options().more = "authorization { user: tester, password: secret }";
    server_->start();
    auto options = options_for(*server_);
    options.urls = {"nats://tester:secret@" + server_->url().substr(7)};
    const auto opened = Link::open(options, {});
    ASSERT_TRUE(opened);
    const auto js = (*opened)->js();
    for (const auto* payload : {"lost", "kept"}) {
        ASSERT_EQ(js_Publish(nullptr, js, subject::kNotificationCreated, payload, 4, nullptr, nullptr), NATS_OK);
    }
    ASSERT_EQ(js_DeleteMsg(js, "NOTIFICATION_EVENT", 1, nullptr, nullptr), NATS_OK);
    ASSERT_EQ(js_DeleteMsg(js, "NOTIFICATION_EVENT", 2, nullptr, nullptr), NATS_OK);
    server_->stop();
    server_->options().more = "";
    server_->start();
    ASSERT_TRUE(eventually([&] { return following.seen->count("kept") == 1; }));
    EXPECT_EQ(*following.gaps, 1);
    EXPECT_EQ(following.seen->count("lost"), 0u);
}

TEST_F(NatsBusRecovery, AConsumerDeletedByHandIsMadeAgainAndNothingIsLost) {
    auto& bus = connect();
    auto consumed = std::make_shared<Recorder>();
    auto consumes = bus.consume(recording_consumer("d", subject::kUserRegistered, new_loop(), consumed));
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(publish(subject::kUserRegistered, std::to_string(i)));
    ASSERT_TRUE(eventually([&] { return consumed->size() == 10; }));
    const auto other = tamper();
    auto code = static_cast<jsErrCode>(0);
    const auto deleted = js_DeleteConsumer(other->js(), "USER_EVENT", "d", nullptr, &code);
    natsStatus last = deleted;
    ASSERT_EQ(deleted, NATS_OK) << code << ' ' << nats_GetLastError(&last);
    for (int i = 10; i < 20; ++i) ASSERT_TRUE(publish(subject::kUserRegistered, std::to_string(i)));
    for (int i = 10; i < 20; ++i) {
        ASSERT_TRUE(eventually([&] { return consumed->count(std::to_string(i)) >= 1; })) << i;
    }
    EXPECT_EQ(lines_with("a consumer was deleted by hand and will be made anew"), 1u);
}

TEST_F(NatsBusRecovery, ADurableGetsWhatWasPublishedWhileNobodyWasThere) {
    auto& bus = connect();
    auto first = std::make_shared<Recorder>();
    auto consumes = bus.consume(recording_consumer("d", subject::kUserRegistered, new_loop(), first));
    ASSERT_TRUE(publish(subject::kUserRegistered, "one"));
    ASSERT_TRUE(eventually([&] { return first->size() == 1; }));
    consumes.reset();
    ASSERT_TRUE(publish(subject::kUserRegistered, "two"));
    auto second = std::make_shared<Recorder>();
    consumes = bus.consume(recording_consumer("d", subject::kUserRegistered, new_loop(), second));
    ASSERT_TRUE(eventually([&] { return second->size() == 1; }));
    EXPECT_EQ(second->payloads(), std::vector<std::string>{"two"});
    EXPECT_EQ(first->size(), 1u);
}

loop::Task<Outcome> slow(std::shared_ptr<Recorder> recorder, std::chrono::milliseconds time, Delivery delivery) {
    recorder->add(delivery);
    co_await loop::sleep_for(time);
    co_return Outcome::acknowledged;
}

TEST_F(NatsBusRecovery, LongWorkIsNotDeliveredTwiceWhileItIsInProgress) {
    auto options = options_for(serve());
    options.ack_wait = 600ms;
    auto& bus = connect(options);
    auto recorder = std::make_shared<Recorder>();
    Consumer consumer{"d", subject::kUserRegistered, new_loop(),
                      [recorder](Delivery delivery) { return slow(recorder, 2s, std::move(delivery)); }};
    auto consumes = bus.consume(std::move(consumer));
    ASSERT_TRUE(publish_until_stored(subject::kUserRegistered, "long"));
    ASSERT_TRUE(eventually([&] { return recorder->size() == 1; }));
    // Another message whose delivery shows that the first one's time is over.
    const auto until = std::chrono::steady_clock::now() + 2'500ms;
    eventually([&] { return std::chrono::steady_clock::now() > until; });
    ASSERT_TRUE(publish(subject::kUserRegistered, "next"));
    ASSERT_TRUE(eventually([&] { return recorder->count("next") == 1; }));
    EXPECT_EQ(recorder->count("long"), 1u);
}

TEST_F(NatsBusRecovery, AHandlerThatNeverAnswersIsRetriedAndGivenUpInTheEnd) {
    auto options = options_for(serve());
    options.handler_timeout = 300ms;
    options.deliveries_max = 2;
    auto& bus = connect(options);
    auto recorder = std::make_shared<Recorder>();
    Consumer consumer{"d", subject::kUserRegistered, new_loop(),
                      [recorder](Delivery delivery) { return slow(recorder, 60s, std::move(delivery)); }};
    auto consumes = bus.consume(std::move(consumer));
    ASSERT_TRUE(publish_until_stored(subject::kUserRegistered, "hung"));
    auto box = DeadLetterBox::open(options);
    ASSERT_TRUE(box);
    ASSERT_TRUE(eventually([&] { return (*box)->list(10)->size() == 1; }));
    EXPECT_EQ(recorder->size(), 2u);
    const auto letter = (*box)->list(10)->front();
    EXPECT_NE(letter.reason.find("did not answer in time"), std::string::npos) << letter.reason;
}

TEST_F(NatsBusRecovery, SaysOnceThatJetStreamIsMissingAndRecoversWhenItIsTurnedOn) {
    NatsServer::Options without;
    without.jetstream = false;
    auto& bus = connect(options_for(serve(without)));
    const Following following;
    auto follows = bus.follow(following.follower({subject::kNotificationCreated}, new_loop()));
    EXPECT_FALSE(bus.available());
    EXPECT_EQ(publish(subject::kNotificationCreated, "x").error(), make_error_code(errc::unavailable));
    server_->stop();
    server_->options().jetstream = true;
    server_->start();
    ASSERT_TRUE(eventually([&] { return *following.gaps == 1; }));
    ASSERT_TRUE(publish_until_stored(subject::kNotificationCreated, "y"));
    ASSERT_TRUE(eventually([&] { return following.seen->count("y") == 1; }));
    EXPECT_TRUE(eventually([&] { return bus.available(); }));
    EXPECT_LE(lines_with("NATS runs without JetStream"), 5u) << "one for each thing that wants it";
    EXPECT_GE(lines_with("NATS runs without JetStream"), 1u);
}

TEST_F(NatsBusRecovery, WrongCredentialsAreSaidOnceAndCanBeMendedOnTheServer) {
    NatsServer::Options guarded;
    guarded.user = "carillon";
    guarded.password = "right";
    auto options = options_for(serve(guarded));
    options.urls = {"nats://carillon:wrong@" + server_->url().substr(server_->url().find('@') + 1)};
    auto& bus = connect(options);
    const auto refusals = [&] {
        const auto text = server_->log();
        int count = 0;
        for (auto at = text.find("authentication error"); at != std::string::npos;
             at = text.find("authentication error", at + 1)) {
            ++count;
        }
        return count;
    };
    ASSERT_TRUE(eventually([&] { return refusals() >= 5; }));
    EXPECT_EQ(publish(subject::kNotificationCreated, "x").error(), make_error_code(errc::unavailable));
    server_->stop();
    server_->options().password = "wrong";
    server_->start();
    EXPECT_TRUE(eventually([&] { return bus.available(); }));
    EXPECT_TRUE(publish_until_stored(subject::kNotificationCreated, "x"));
    EXPECT_EQ(lines_with("NATS refuses the credentials"), 1u);
    EXPECT_EQ(lines_with("wrong"), 0u) << "no password in a log";
}

TEST_F(NatsBusRecovery, AStreamWithOtherSettingsIsUsedAsItIsWithAWarning) {
    auto& server = serve();
    {
        const auto other = tamper();
        const char* subjects[] = {"notification.created", "notification.updated"};
        jsStreamConfig config;
        jsStreamConfig_Init(&config);
        config.Name = "NOTIFICATION_EVENT";
        config.Subjects = subjects;
        config.SubjectsLen = 2;
        config.Storage = js_MemoryStorage;
        config.MaxAge = std::chrono::nanoseconds{1h}.count();
        ASSERT_EQ(js_AddStream(nullptr, other->js(), &config, nullptr, nullptr), NATS_OK);
    }
    auto& bus = connect(options_for(server));
    ASSERT_TRUE(eventually([&] { return bus.available(); }));
    const Following following;
    auto follows = bus.follow(following.follower({subject::kNotificationCreated}, new_loop()));
    ASSERT_TRUE(publish(subject::kNotificationCreated, "x"));
    ASSERT_TRUE(eventually([&] { return following.seen->size() == 1; }));
    EXPECT_EQ(lines_with("a stream has other settings and is used as it is"), 1u);
    EXPECT_EQ(lines_with("max_age is 1h, not 24h"), 1u);
    EXPECT_EQ(lines_with("storage is memory, not file"), 1u);
}

TEST_F(NatsBusRecovery, AFullStoreRefusesAndTakesAgainWhenThereIsRoom) {
    NatsServer::Options small;
    small.max_file_store = "2MB";
    auto options = options_for(serve(small));
    // Limits of their own that never bite: the server's does.
    options.user_events.bytes_max = -1;
    options.notification_events.bytes_max = -1;
    options.dead_letters.bytes_max = -1;
    auto& bus = connect(options);
    ASSERT_TRUE(eventually([&] { return bus.available(); }));
    const std::string large(100'000, 'x');
    bool refused = false;
    for (int i = 0; i < 60 && !refused; ++i) refused = !publish(subject::kUserRegistered, large);
    ASSERT_TRUE(refused);
    const auto other = tamper();
    ASSERT_EQ(js_PurgeStream(other->js(), "USER_EVENT", nullptr, nullptr), NATS_OK);
    EXPECT_TRUE(publish_until_stored(subject::kUserRegistered, "small"));
    EXPECT_EQ(lines_with("the JetStream store is full"), 1u);
}

TEST_F(NatsBusRecovery, ASlowFollowerHoldsTheServerBackAndLosesNothing) {
    auto options = options_for(serve());
    options.follower_messages_max = 64;
    auto& bus = connect(options);
    const Following following;
    const auto executor = new_loop();
    auto follows = bus.follow(following.follower({subject::kNotificationCreated}, executor));
    std::promise<void> blocked;
    std::promise<void> go_on;
    loop::post(executor, [&] {
        blocked.set_value();
        go_on.get_future().wait();
    });
    blocked.get_future().wait();
    constexpr int kMany = 3'000;
    const auto publisher = new_loop();
    std::vector<std::future<base::Result<void>>> results;
    std::vector<std::string> sent;
    for (int i = 0; i < kMany; ++i) {
        sent.push_back(std::to_string(i));
        results.push_back(
            boost::asio::co_spawn(publisher, bus.publish({subject::kNotificationCreated, sent.back(), sent.back(), {}}),
                                  boost::asio::use_future));
    }
    for (auto& result : results) ASSERT_TRUE(result.get());
    go_on.set_value();
    ASSERT_TRUE(eventually([&] { return following.seen->size() >= kMany; }));
    EXPECT_EQ(following.seen->payloads(), sent);
    EXPECT_EQ(*following.gaps, 0);
}

TEST_F(NatsBusRecovery, MoreThanFitIsRefusedAtOnce) {
    auto options = options_for(serve());
    options.in_flight_max = 16;
    auto& bus = connect(options);
    ASSERT_TRUE(eventually([&] { return bus.available(); }));
    const auto publisher = new_loop();
    server_->freeze();
    std::vector<std::future<base::Result<void>>> results;
    for (int i = 0; i < 40; ++i) {
        results.push_back(boost::asio::co_spawn(
            publisher, bus.publish({subject::kUserRegistered, std::to_string(i), "x", {}}), boost::asio::use_future));
    }
    int overloaded = 0;
    for (auto& result : results) {
        const auto ended = result.get();
        ASSERT_FALSE(ended);
        overloaded += ended.error() == errc::overloaded ? 1 : 0;
    }
    EXPECT_GE(overloaded, 24);
    server_->thaw();
    EXPECT_TRUE(publish_until_stored(subject::kUserRegistered, "x"));
}

TEST_F(NatsBusRecovery, ADeadLetterCanBeReplayed) {
    auto& bus = connect();
    auto works = std::make_shared<std::atomic<bool>>(false);
    auto recorder = std::make_shared<Recorder>();
    auto consumes =
        bus.consume(recording_consumer("d", subject::kUserRegistered, new_loop(), recorder, [works](const Delivery&) {
            return *works ? Outcome::acknowledged : Outcome::poison;
        }));
    ASSERT_TRUE(publish(subject::kUserRegistered, "twice", "the-id"));
    auto opened = DeadLetterBox::open(options_for(*server_));
    ASSERT_TRUE(opened);
    auto& box = **opened;
    ASSERT_TRUE(eventually([&] { return box.list(10)->size() == 1; }));
    const auto letter = box.list(10)->front();
    EXPECT_EQ(letter.subject, subject::kUserRegistered);
    EXPECT_EQ(letter.message_id, "the-id");
    EXPECT_EQ(letter.payload, "twice");
    EXPECT_EQ(letter.stream, "USER_EVENT");
    EXPECT_EQ(letter.sequence, 1u);
    *works = true;
    ASSERT_TRUE(box.replay(letter));
    ASSERT_TRUE(eventually([&] { return recorder->size() == 2; }));
    EXPECT_TRUE(box.list(10)->empty());
    EXPECT_FALSE(*box.find(letter.number));
}

TEST_F(NatsBusRecovery, ADeadLetterOfAMessageWithoutAnIdIsWhole) {
    auto& bus = connect();
    const Delivery delivery{{subject::kNotificationCreated, "", "{broken", {}}, 7, 1};
    ASSERT_TRUE(boost::asio::co_spawn(new_loop(), bus.dead_letter({delivery, "why"}), boost::asio::use_future).get());
    auto box = DeadLetterBox::open(options_for(*server_));
    ASSERT_TRUE(box);
    const auto letters = (*box)->list(10);
    ASSERT_EQ(letters->size(), 1u);
    EXPECT_EQ(letters->front().subject, subject::kNotificationCreated);
    EXPECT_EQ(letters->front().message_id, "");
    EXPECT_EQ(letters->front().reason, "why");
}

TEST_F(NatsBusRecovery, SeveralFollowersThatPutOneMessageAsideMakeOneDeadLetter) {
    auto& bus = connect();
    const Delivery delivery{{subject::kNotificationCreated, "id", "{broken", {}}, 7, 1};
    const auto executor = new_loop();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(
            boost::asio::co_spawn(executor, bus.dead_letter({delivery, "line\nbreak"}), boost::asio::use_future).get());
    }
    auto box = DeadLetterBox::open(options_for(*server_));
    ASSERT_TRUE(box);
    const auto letters = (*box)->list(10);
    ASSERT_EQ(letters->size(), 1u);
    EXPECT_EQ(letters->front().reason, "line break");
}

}  // namespace
}  // namespace carillon::bus
