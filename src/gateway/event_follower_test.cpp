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
        std::string but;
        for (const auto& id : delivery.except) but += " but " + id;
        add({}, delivery.events, but);
        offset = delivery.events.offset();
    }
    void arrive(std::uint64_t number, const Arrival& arrival) override {
        const std::string name = std::to_string(number) + (arrival.recovered ? " recovered: " : ": ");
        for (const auto& delivery : arrival.missed) add(name, delivery.events, {});
        add(name, arrival.count, {});
        offset = arrival.offset;
    }
    std::vector<std::string> take() { return std::exchange(log, {}); }

    std::vector<std::string> log;
    base::Version offset = 0;  ///< the last one

 private:
    void add(const std::string& name, const socketio::EncodedEvent& events, const std::string& but) {
        EXPECT_TRUE(events.has_offset());
        std::istringstream payloads{events.without_offset().payload("/")};
        for (std::string one; std::getline(payloads, one, socketio::kPayloadSeparator);) {
            log.push_back(name + short_form(one) + but);
        }
    }
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

    void attach(base::UserId user, std::size_t shard, std::uint64_t number) {
        follower->attach(user, {shard, number, {}, std::nullopt});
        loop.settle();
    }
    void comes_back(base::UserId user, std::size_t shard, std::uint64_t number, base::Version since) {
        follower->attach(user, {shard, number, "id" + std::to_string(number), since});
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
    attach(ann, 0, 1);
    EXPECT_THAT(first.take(), ElementsAre("1: count 1 (1)"));
    attach(ann, 1, 2);
    EXPECT_THAT(second.take(), ElementsAre("2: count 1 (1)"));
    EXPECT_THAT(first.take(), IsEmpty());
}

TEST_F(EventFollowerTest, SendsAnEventToEveryShardThatHasTheUser) {
    attach(ann, 0, 1);
    attach(ann, 1, 2);
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
    attach(ann, 0, 1);
    attach(ann, 1, 2);
    EXPECT_EQ(follower->users(), 1U);
    follower->detach(ann, 0);
    follower->detach(ann, 1);
    loop.settle();
    EXPECT_EQ(follower->users(), 0U);
    EXPECT_EQ(registry.gauge("users_active", "").value(), 0);
}

TEST_F(EventFollowerTest, AnUpdateIsToldWithItsCount) {
    const auto row = api.add(ann, "one");
    attach(ann, 0, 1);
    first.take();
    contracts::NotificationUpdated event;
    event.event_id = base::EventId::generate(loop.clock);
    event.user_id = ann;
    event.change = {contracts::UpdateAction::read, row.id, 0, 2};
    publish(bus::subject::kNotificationUpdated, contracts::encode_bus_event(event));
    EXPECT_THAT(first.take(), ElementsAre("read 2 (0)", "count 2 (0)"));
}

TEST_F(EventFollowerTest, ComesThroughTheBus) {
    attach(ann, 0, 1);
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
    attach(ann, 0, 1);
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
    attach(ann, 0, 1);
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
    attach(ann, 0, 1);
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
    attach(ann, 0, 1);
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
    attach(ann, 0, 1);
    loop.advance(1s);
    EXPECT_THAT(first.take(), IsEmpty());
    api.failing = false;
    api.add(ann, "one");
    loop.advance(1s);
    EXPECT_THAT(first.take(), ElementsAre("1: count 1 (1)"));
}

TEST_F(EventFollowerTest, LostEventsHealWithinThirtySeconds) {
    attach(ann, 0, 1);
    first.take();
    api.add(ann, "its event never comes");
    for (int i = 0; i < 30; ++i) loop.advance(1s);
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1)", "count 1 (1)"));
}

TEST_F(EventFollowerTest, AGapOfTheBusComparesEverybodyAtOnce) {
    attach(ann, 0, 1);
    attach(user_of(2), 1, 2);
    first.take();
    second.take();
    api.add(ann, "missed");
    follower->on_gap();
    loop.advance(1s);
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1)", "count 1 (1)"));
    EXPECT_THAT(second.take(), IsEmpty());
}

TEST_F(EventFollowerTest, APayloadThatBreaksTheContractIsPutAsideAndStopsNothing) {
    attach(ann, 0, 1);
    first.take();
    publish(bus::subject::kNotificationCreated, R"({"eventId":1})");
    publish(bus::subject::kNotificationUpdated, "nonsense");
    EXPECT_EQ(bus.dead_letters(), 2U);
    EXPECT_EQ(counted("notification.created", "invalid"), 1);
    created(api.add(ann, "goes on"), 1);
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1)", "count 1 (1)"));
}

TEST_F(EventFollowerTest, ManyUsersShareFewCalls) {
    for (int n = 0; n < 200; ++n) follower->attach(user_of(n), {0, static_cast<std::uint64_t>(n), {}, std::nullopt});
    loop.settle();
    EXPECT_EQ(first.take().size(), 200U);
    EXPECT_LE(api.count_calls, 4);
}

/// Clients that come back, and the inbox that changed meanwhile.
class Recoveries : public EventFollowerTest {
 protected:
    contracts::Notification add(const std::string& title = "n") { return api.add(ann, title); }
    /// Its event, from inside the loop.
    void tell(const contracts::Notification& row, std::uint64_t unread) {
        bus::Delivery delivery;
        delivery.message.subject = bus::subject::kNotificationCreated;
        delivery.message.payload = contracts::encode_bus_event(created_event(row, unread));
        follower->on_message(delivery);
    }
    void read(const contracts::Notification& row) {
        auto& inbox = api.inboxes[ann];
        for (auto& one : inbox.rows) {
            if (one.id != row.id) continue;
            one.read_at = loop.clock.now();
            one.version = ++inbox.count.version;
            --inbox.count.unread;
        }
    }
    void read_all() {
        auto& inbox = api.inboxes[ann];
        for (auto& one : inbox.rows) one.read_at = loop.clock.now();
        inbox.read_all_before = inbox.count.version++;
        inbox.count.unread = 0;
    }
};

TEST_F(Recoveries, WithoutChangesThereIsNothingToTellButTheCount) {
    add();
    comes_back(ann, 0, 1, 1);
    EXPECT_THAT(first.take(), ElementsAre("1 recovered: count 1 (1)"));
    EXPECT_EQ(first.offset, 1U);
    EXPECT_EQ(api.sync_calls, 0) << "the count says that nothing was missed";
}

TEST_F(Recoveries, WhatWasMissedComesInOrderAndOnce) {
    const auto known = add();
    const auto one = add();
    read(known);
    add();
    read(one);
    comes_back(ann, 0, 1, 1);
    EXPECT_THAT(first.take(),
                ElementsAre("1 recovered: new 2 (2)", "1 recovered: count 2 (2)", "1 recovered: read 3 (1)",
                            "1 recovered: count 3 (1)", "1 recovered: new 4 (2)", "1 recovered: count 4 (2)",
                            "1 recovered: read 5 (1)", "1 recovered: count 5 (1)"));
    EXPECT_EQ(first.offset, 1U);
}

TEST_F(Recoveries, AReadAllIsToldInItsPlace) {
    add();
    add();
    read_all();
    add();
    comes_back(ann, 0, 1, 1);
    EXPECT_THAT(first.take(),
                ElementsAre("1 recovered: new 2 (1)", "1 recovered: read-all 3 (0)", "1 recovered: count 3 (0)",
                            "1 recovered: new 4 (1)", "1 recovered: count 4 (1)"))
        << "how many it read nobody knows: no count is told before it";
}

TEST_F(Recoveries, WhatComesOverTheBusLaterIsNotSentAgain) {
    const auto one = add();
    const auto two = add();
    comes_back(ann, 0, 1, 0);
    attach(ann, 1, 2);
    first.take();
    second.take();
    created(one, 1);
    created(two, 2);
    EXPECT_THAT(second.take(), ElementsAre("new 1 (1) but id1", "new 2 (2) but id1"));
    created(add(), 3);
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1) but id1", "new 2 (2) but id1", "new 3 (3)", "count 3 (3)"));
    for (int i = 0; i < 40; ++i) loop.advance(1s);
    created(add(), 4);
    EXPECT_THAT(first.take(), ElementsAre("new 4 (4)", "count 4 (4)"));
}

TEST_F(Recoveries, AnEventFromElsewhereIsNotTakenForOneThatItKnows) {
    add();
    comes_back(ann, 0, 1, 1);
    first.take();
    auto event = created_event(add(), std::nullopt);
    api.inboxes[ann].rows.pop_back();
    --api.inboxes[ann].count.version;
    --api.inboxes[ann].count.unread;
    publish(bus::subject::kNotificationCreated, contracts::encode_bus_event(event));
    EXPECT_THAT(first.take(), ElementsAre("new 1 (1)", "count 1 (1)"));
}

TEST_F(Recoveries, WhatIsSentWhileTheMissedAreReadFollowsThem) {
    attach(ann, 1, 2);
    created(add(), 1);
    created(add(), 2);
    second.take();
    bool once = false;
    api.before_sync = [&] {
        if (!std::exchange(once, true)) tell(add(), 3);
    };
    api.after_sync = [&] {
        if (api.inboxes[ann].count.version == 3) tell(add(), 4);
    };
    comes_back(ann, 0, 1, 1);
    EXPECT_THAT(second.take(), ElementsAre("new 3 (3)", "count 3 (3)", "new 4 (4)", "count 4 (4)"));
    const auto log = first.take();
    std::vector<std::string> missed;
    for (const auto& line : log) {
        if (line.starts_with("1 recovered: new")) missed.push_back(line);
    }
    EXPECT_THAT(missed, ElementsAre("1 recovered: new 2 (2)", "1 recovered: new 3 (3)", "1 recovered: new 4 (4)"));
    EXPECT_EQ(log.back(), "1 recovered: count 4 (4)");
}

TEST_F(Recoveries, OfAnotherInboxOrTooMuchBeginsAnew) {
    add();
    comes_back(ann, 0, 1, 99);
    EXPECT_THAT(first.take(), ElementsAre("1: count 1 (1)")) << "from the future";
    for (int i = 0; i < 501; ++i) add();
    comes_back(ann, 0, 2, 1);
    EXPECT_THAT(first.take(), ElementsAre("2: count 502 (502)"));
    comes_back(ann, 0, 3, 2);
    EXPECT_EQ(first.take().front(), "3 recovered: new 3 (3)") << "five hundred are not too much";
    EXPECT_EQ(registry.counter("recoveries_total", "", {{"result", "recovered"}}).value(), 1);
    EXPECT_EQ(registry.counter("recoveries_total", "", {{"result", "anew"}}).value(), 2);
}

TEST_F(Recoveries, AServiceThatFailsIsAskedAgain) {
    attach(ann, 1, 2);
    created(add(), 1);
    add();
    first.take();
    api.sync_failures = 2;
    comes_back(ann, 0, 1, 0);
    EXPECT_THAT(first.take(), IsEmpty());
    loop.advance(300ms);
    loop.advance(300ms);
    EXPECT_EQ(first.take().back(), "1 recovered: count 2 (2)");
    api.sync_failures = 99;
    comes_back(ann, 0, 2, 0);
    for (int i = 0; i < 10; ++i) loop.advance(300ms);
    EXPECT_EQ(first.take().back(), "2: count 2 (2)");
}

TEST_F(Recoveries, TheOffsetNeverPassesWhatWasNotSent) {
    attach(ann, 0, 1);
    created(add(), 1);
    EXPECT_EQ(first.offset, 1U);
    add();  // 2: its event is lost, and the service is away
    const auto three = add();
    api.sync_failures = 99;
    created(three, 3);
    for (int i = 0; i < 5; ++i) loop.advance(100ms);
    EXPECT_THAT(first.take(), ::testing::Contains("new 3 (3)"));
    EXPECT_EQ(first.offset, 1U) << "a client that comes back now needs the second one";
    api.sync_failures = 0;
    for (int i = 0; i < 40; ++i) loop.advance(100ms);
    created(add(), 4);
    EXPECT_EQ(first.offset, 4U);
}

}  // namespace
}  // namespace carillon::gateway
