#include "gateway/event_follower.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "bus/local/local_bus.hpp"
#include "gateway/fake_apis.hpp"
#include "gateway/manual_loop.hpp"
#include "socketio/engine_packet.hpp"

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::FakeNotificationApi;
using ::testing::IsEmpty;
using testing::ManualLoop;

base::UserId user_of(int n) {
    base::UserId id;
    id.uuid.bytes[15] = static_cast<std::uint8_t>(n);
    return id;
}

/// A shard that writes down what it is given: "new 3 (2)" is version 3 with 2 unread.
class RecordingTarget final : public DeliveryTarget {
 public:
    void deliver(const Delivery& delivery) override {
        std::istringstream payloads{delivery.events.payload("/")};
        for (std::string one; std::getline(payloads, one, socketio::kPayloadSeparator);) log.push_back(short_form(one));
    }
    void deliver_to(const std::string& socket_id, const socketio::EncodedEvent& event) override {
        log.push_back(socket_id + ": " + short_form(event.payload("/")));
    }
    std::vector<std::string> take() { return std::exchange(log, {}); }

    std::vector<std::string> log;

 private:
    static std::string short_form(const std::string& payload) {
        const std::string json = payload.substr(payload.find(',') + 1, payload.size() - payload.find(',') - 2);
        const std::string_view event = std::string_view{payload}.substr(4, payload.find(',') - 5);
        if (event == contracts::kNotificationNewEvent) {
            const auto value = contracts::decode_notification_new(json);
            return "new " + std::to_string(value->notification.version) + " (" + std::to_string(value->unread_count) +
                   ")";
        }
        if (event == contracts::kNotificationUpdatedEvent) {
            const auto value = contracts::decode_notification_updated(json);
            return std::string{contracts::to_string(value->action)} + " " + std::to_string(value->version) + " (" +
                   std::to_string(value->unread_count) + ")";
        }
        const auto value = contracts::decode_unread_count_updated(json);
        return "count " + std::to_string(value->version) + " (" + std::to_string(value->count) + ")";
    }
};

class EventFollowerTest : public ::testing::Test {
 protected:
    EventFollowerTest() {
        follower->start();
        loop.settle();
    }
    ~EventFollowerTest() override {
        follower->stop();
        bus.stop();
        loop.settle();
    }

    void attach(base::UserId user, std::size_t shard, std::string socket) {
        follower->attach(user, shard, std::move(socket));
        loop.settle();
    }
    void publish(const char* subject, std::string payload) {
        bus::Delivery delivery;
        delivery.message.subject = subject;
        delivery.message.payload = std::move(payload);
        follower->on_message(delivery);
        loop.settle();
    }
    contracts::NotificationCreated created_event(const contracts::Notification& row,
                                                 std::optional<std::uint64_t> unread) {
        contracts::NotificationCreated event;
        event.event_id = base::EventId::generate(loop.clock);
        event.notification = row;
        event.notification.created_at = loop.clock.now();
        event.unread_count = unread;
        if (unread) event.version = row.version;
        return event;
    }
    void created(const contracts::Notification& row, std::uint64_t unread) {
        publish(bus::subject::kNotificationCreated, contracts::encode_bus_event(created_event(row, unread)));
    }
    double counted(const char* subject, const char* result) {
        return registry.counter("bus_events_total", "", {{"subject", subject}, {"result", result}}).value();
    }

    ManualLoop loop;
    metrics::Registry registry;
    FakeNotificationApi api;
    bus::LocalBus bus{loop.clock, {}};
    RecordingTarget first;
    RecordingTarget second;
    std::shared_ptr<EventFollower> follower = std::make_shared<EventFollower>(
        loop.executor(), std::vector<ShardLink>{{loop.executor(), &first}, {loop.executor(), &second}}, api, bus,
        loop.clock, registry, loop.deadlines);
    const base::UserId ann = user_of(1);
};

TEST_F(EventFollowerTest, ANewSocketIsToldTheCountThatIsReadAfterRegistration) {
    api.add(ann, "before");
    attach(ann, 0, "a");
    EXPECT_THAT(first.take(), ElementsAre("a: count 1 (1)"));
    attach(ann, 1, "b");
    EXPECT_THAT(second.take(), ElementsAre("b: count 1 (1)"));
    EXPECT_THAT(first.take(), IsEmpty());
}

TEST_F(EventFollowerTest, SendsAnEventToEveryShardThatHasTheUser) {
    attach(ann, 0, "a");
    attach(ann, 1, "b");
    first.take();
    second.take();
    created(api.add(ann, "hello"), 1);
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1)", "count 1 (1)"));
    EXPECT_THAT(second.take(), ElementsAre("new 1 (1)", "count 1 (1)"));
    follower->detach(ann, 1);
    loop.settle();
    created(api.add(ann, "again"), 2);
    EXPECT_THAT(first.take(), ElementsAre("new 2 (2)", "count 2 (2)"));
    EXPECT_THAT(second.take(), IsEmpty());
}

TEST_F(EventFollowerTest, EventsOfUsersWithoutASocketGoNowhere) {
    created(api.add(ann, "nobody listens"), 1);
    EXPECT_THAT(first.take(), IsEmpty());
    EXPECT_EQ(counted("notification.created", "no_socket"), 1);
    EXPECT_EQ(follower->users(), 0U);
}

TEST_F(EventFollowerTest, TheUserIsForgottenWithTheLastShard) {
    attach(ann, 0, "a");
    attach(ann, 1, "b");
    EXPECT_EQ(follower->users(), 1U);
    follower->detach(ann, 0);
    follower->detach(ann, 1);
    loop.settle();
    EXPECT_EQ(follower->users(), 0U);
    EXPECT_EQ(registry.gauge("users_active", "").value(), 0);
}

TEST_F(EventFollowerTest, AnUpdateIsToldWithItsCount) {
    const auto row = api.add(ann, "one");
    attach(ann, 0, "a");
    first.take();
    contracts::NotificationUpdated event;
    event.event_id = base::EventId::generate(loop.clock);
    event.user_id = ann;
    event.change = {contracts::UpdateAction::read, row.id, 0, 2};
    publish(bus::subject::kNotificationUpdated, contracts::encode_bus_event(event));
    EXPECT_THAT(first.take(), ElementsAre("read 2 (0)", "count 2 (0)"));
}

TEST_F(EventFollowerTest, ComesThroughTheBus) {
    attach(ann, 0, "a");
    first.take();
    bus::Message message;
    message.subject = bus::subject::kNotificationCreated;
    message.message_id = "one";
    message.payload = contracts::encode_bus_event(created_event(api.add(ann, "hello"), 1));
    std::optional<base::Result<void>> published;
    auto publish_it = [](bus::Bus& to, bus::Message what,
                         std::optional<base::Result<void>>& result) -> loop::Task<void> {
        result = co_await to.publish(std::move(what));
    };
    loop::spawn(loop.executor(), publish_it(bus, message, published), "test");
    loop.settle();
    EXPECT_TRUE(published && *published);
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1)", "count 1 (1)"));
}

TEST_F(EventFollowerTest, SwappedEventsAreDeliveredInVersionOrder) {
    attach(ann, 0, "a");
    first.take();
    const auto one = api.add(ann, "one");
    const auto two = api.add(ann, "two");
    created(two, 2);
    EXPECT_THAT(first.take(), IsEmpty());
    created(one, 1);
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1)", "count 1 (1)", "new 2 (2)", "count 2 (2)"));
    created(one, 1);
    EXPECT_THAT(first.take(), IsEmpty());
}

TEST_F(EventFollowerTest, AGapIsFilledFromTheServiceAfterFiftyMilliseconds) {
    attach(ann, 0, "a");
    first.take();
    api.add(ann, "lost");
    created(api.add(ann, "two"), 2);
    loop.advance(49ms);
    EXPECT_THAT(first.take(), IsEmpty());
    loop.advance(1ms);
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1)", "count 1 (1)", "new 2 (2)", "count 2 (2)"));
    EXPECT_EQ(api.sync_calls, 1);
}

TEST_F(EventFollowerTest, AnEventWithoutAVersionGetsTheOneThatComesWithTheCount) {
    attach(ann, 0, "a");
    first.take();
    const auto row = api.add(ann, "from elsewhere");
    const auto event = contracts::encode_bus_event(created_event(row, std::nullopt));
    publish(bus::subject::kNotificationCreated, event);
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1)", "count 1 (1)"));
    publish(bus::subject::kNotificationCreated, event);
    EXPECT_THAT(first.take(), IsEmpty()) << "the same event id rings once";
    EXPECT_EQ(counted("notification.created", "duplicate"), 1);
}

TEST_F(EventFollowerTest, AnEventWithoutAVersionIsSentThoughTheServiceStaysAway) {
    attach(ann, 0, "a");
    first.take();
    api.failing = true;
    publish(bus::subject::kNotificationCreated,
            contracts::encode_bus_event(created_event(api.add(ann, "from elsewhere"), std::nullopt)));
    EXPECT_THAT(first.take(), IsEmpty());
    for (int i = 0; i < 5; ++i) loop.advance(500ms);
    EXPECT_THAT(first.take(), ElementsAre("new 0 (0)", "count 0 (0)"));
}

TEST_F(EventFollowerTest, TheCountIsAskedAgainUntilTheServiceAnswers) {
    api.failing = true;
    attach(ann, 0, "a");
    loop.advance(1s);
    EXPECT_THAT(first.take(), IsEmpty());
    api.failing = false;
    api.add(ann, "one");
    loop.advance(1s);
    EXPECT_THAT(first.take(), ElementsAre("a: count 1 (1)"));
}

TEST_F(EventFollowerTest, LostEventsHealWithinThirtySeconds) {
    attach(ann, 0, "a");
    first.take();
    api.add(ann, "its event never comes");
    for (int i = 0; i < 30; ++i) loop.advance(1s);
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1)", "count 1 (1)"));
}

TEST_F(EventFollowerTest, AGapOfTheBusComparesEverybodyAtOnce) {
    attach(ann, 0, "a");
    attach(user_of(2), 1, "b");
    first.take();
    second.take();
    api.add(ann, "missed");
    follower->on_gap();
    loop.advance(1s);
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1)", "count 1 (1)"));
    EXPECT_THAT(second.take(), IsEmpty());
}

TEST_F(EventFollowerTest, APayloadThatBreaksTheContractIsPutAsideAndStopsNothing) {
    attach(ann, 0, "a");
    first.take();
    publish(bus::subject::kNotificationCreated, R"({"eventId":1})");
    publish(bus::subject::kNotificationUpdated, "nonsense");
    EXPECT_EQ(bus.dead_letters(), 2U);
    EXPECT_EQ(counted("notification.created", "invalid"), 1);
    created(api.add(ann, "goes on"), 1);
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1)", "count 1 (1)"));
}

TEST_F(EventFollowerTest, ManyUsersShareFewCalls) {
    for (int n = 0; n < 200; ++n) follower->attach(user_of(n), 0, std::to_string(n));
    loop.settle();
    EXPECT_EQ(first.take().size(), 200U);
    EXPECT_LE(api.count_calls, 4);
}

}  // namespace
}  // namespace carillon::gateway
