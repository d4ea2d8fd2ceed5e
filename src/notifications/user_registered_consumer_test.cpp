#include "notifications/user_registered_consumer.hpp"

#include <gtest/gtest.h>

#include <mutex>

#include "bus/local/local_bus.hpp"
#include "contracts/bus_events.hpp"
#include "notifications/service_under_test.hpp"
#include "notifications/welcome.hpp"

namespace carillon::notifications {
namespace {

using namespace std::chrono_literals;

class UserRegisteredConsumerTest : public ::testing::Test {
 protected:
    ~UserRegisteredConsumerTest() override { bus_.stop(); }

    static bus::LocalBusConfig config() {
        bus::LocalBusConfig chosen;
        chosen.retry_pause_min = 1ms;
        chosen.retry_pause_max = 1ms;
        chosen.deliveries_max = 3;
        return chosen;
    }
    contracts::UserRegistered event(base::UserId user) const {
        contracts::UserRegistered registered;
        registered.user_id = user;
        registered.email = "alice@example.test";
        registered.name = "Alice";
        registered.created_at = under_test.clock.now();
        return registered;
    }
    /// Under a message id of its own, as if from another system that repeats itself.
    bool publish(std::string payload) {
        const auto id = base::EventId::generate(base::system_clock()).to_string();
        auto publishing = bus_.publish({bus::subject::kUserRegistered, id, std::move(payload), {}});
        return under_test.run(std::move(publishing)).has_value();
    }
    double counted(const char* result) {
        return under_test.metrics.counter("bus_events_total", "", {{"subject", "user.registered"}, {"result", result}})
            .value();
    }
    std::vector<contracts::Notification> inbox(base::UserId user) {
        return under_test.run(under_test.service.list({user, 100, {}, {}}))->data;
    }
    std::vector<bus::DeadLetter> dead_letters() {
        const std::lock_guard lock{mutex_};
        return letters_;
    }

    ServiceUnderTest under_test;
    std::mutex mutex_;
    std::vector<bus::DeadLetter> letters_;
    bus::LocalBus bus_{base::system_clock(),
                       [this](const bus::DeadLetter& letter) {
                           const std::lock_guard lock{mutex_};
                           letters_.push_back(letter);
                       },
                       config()};
    UserRegisteredConsumer consumer_{bus_, under_test.executor(), under_test.service, under_test.metrics};
};

TEST_F(UserRegisteredConsumerTest, WelcomesAUserOnceHoweverOftenTheEventComes) {
    auto registered = event(kAlice);
    for (int i = 0; i < 5; ++i) {
        if (i > 0) registered.event_id = base::EventId::generate(under_test.clock);
        ASSERT_TRUE(publish(contracts::encode_bus_event(registered)));
    }
    const auto all = inbox(kAlice);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].type, "welcome");
    EXPECT_EQ(all[0].title, "Welcome to Carillon");
    EXPECT_NE(all[0].body->find("Alice"), std::string::npos);
    EXPECT_EQ(under_test.count(kAlice).count, 1u);
    EXPECT_EQ(counted("applied"), 1);
    EXPECT_EQ(counted("duplicate"), 4);
    EXPECT_TRUE(dead_letters().empty());
}

TEST_F(UserRegisteredConsumerTest, AMalformedEventIsPutAsideAndTheNextPasses) {
    ASSERT_TRUE(publish("{not json"));
    ASSERT_TRUE(publish(R"({"userId":"42","email":"x@example.test","createdAt":"2026-11-23T00:00:00Z"})"));
    ASSERT_TRUE(publish(contracts::encode_bus_event(event(kBob))));
    EXPECT_EQ(inbox(kBob).size(), 1u);
    ASSERT_EQ(dead_letters().size(), 2u);
    EXPECT_EQ(dead_letters()[0].delivery.message.payload, "{not json");
    EXPECT_EQ(dead_letters()[0].delivery.attempt, 1u);
    EXPECT_EQ(counted("poison"), 2);
    EXPECT_EQ(counted("applied"), 1);
}

TEST_F(UserRegisteredConsumerTest, AsksForARetryWhileTheStoreIsAway) {
    under_test.lose_store();
    ASSERT_TRUE(publish(contracts::encode_bus_event(event(kAlice))));
    EXPECT_EQ(counted("retry"), config().deliveries_max);
    ASSERT_EQ(dead_letters().size(), 1u);
    EXPECT_EQ(dead_letters()[0].delivery.attempt, config().deliveries_max);
}

struct NameCase {
    const char* what;
    std::optional<std::string> name;
    std::string body_begins;
};

TEST(Welcome, GreetsByTheNameWhenThereIsOne) {
    const std::string longest(100, 'a');
    std::string wide;
    for (int i = 0; i < 150; ++i) wide += "\xC3\xA9";  // e with an acute accent, two bytes
    const std::vector<NameCase> cases{
        {"a name", "Alice", "Hello Alice, good"},
        {"no name", std::nullopt, "Hello, good"},
        {"an empty name", "", "Hello, good"},
        {"blanks only", " \t ", "Hello, good"},
        {"blanks around it", "  Bob ", "Hello Bob, good"},
        {"too long", longest + "b", "Hello " + longest + ", good"},
        {"too long, and not ASCII", wide, "Hello " + wide.substr(0, 200) + ", good"},
    };
    for (const auto& one : cases) {
        contracts::UserRegistered user;
        user.user_id = kAlice;
        user.name = one.name;
        const auto welcome = welcome_for(user);
        EXPECT_TRUE(welcome.body->starts_with(one.body_begins)) << one.what << ": " << *welcome.body;
        EXPECT_TRUE(contracts::decode_create_notification(contracts::encode_create_notification(welcome))) << one.what;
    }
}

}  // namespace
}  // namespace carillon::notifications
