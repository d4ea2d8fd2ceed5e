#include "gateway/gateway.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "base/log.hpp"
#include "bus/local/local_bus.hpp"
#include "bus/local/local_node_registry.hpp"
#include "contracts/bus_events.hpp"
#include "gateway/fake_apis.hpp"
#include "gateway/polling_client.hpp"
#include "http/testing/probe_server.hpp"
#include "loop/event_loop.hpp"

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;
using http::eventually;
using ::testing::AllOf;
using testing::FakeAuthApi;
using testing::FakeNotificationApi;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using testing::PollingClient;
using testing::request;

constexpr const char* kSecret = "a secret of at least thirty-two bytes";

loop::Task<void> publish_to(bus::Bus& bus, bus::Message message, std::promise<bool>& done) {
    const auto result = co_await bus.publish(std::move(message));
    done.set_value(result.has_value());
}

loop::Task<void> drain_it(Gateway& gateway, std::chrono::milliseconds window, std::promise<void>& done) {
    co_await gateway.drain(window);
    done.set_value();
}

class GatewayTest : public ::testing::Test {
 protected:
    GatewayTest() {
        [[maybe_unused]] static const bool quiet =
            (base::start_logging(base::LogLevel::off, base::LogFormat::text), true);
        config.port = 0;
    }
    ~GatewayTest() override {
        if (gateway) gateway->stop();
        bus.stop();
        for (auto& loop : loops) loop->stop();
        for (auto& loop : loops) loop->join();
    }

    void start(std::size_t shards = 1) {
        std::vector<loop::Executor> executors;
        for (std::size_t i = 0; i < shards; ++i) {
            loops.push_back(std::make_unique<loop::EventLoop>("shard"));
            executors.push_back(loops.back()->executor());
        }
        gateway = std::make_unique<Gateway>(config, executors,
                                            GatewayServices{api, accounts, *verifier, bus, registry,
                                                            base::system_clock(), internal_tokens, nodes, pids});
        gateway->start();
        for (auto& loop : loops) loop->start();
        port = gateway->port();
    }
    std::string token(base::UserId user,
                      std::vector<std::string> permissions = {"notification:read", "notification:update"}) {
        return signer.sign(user, permissions, 1h, base::system_clock().now());
    }
    std::string connect_packet(base::UserId user) { return R"(40{"token":")" + token(user) + R"("})"; }
    std::unique_ptr<PollingClient> connected(base::UserId user) {
        auto client = std::make_unique<PollingClient>(port);
        EXPECT_EQ(client->open(), 200);
        EXPECT_EQ(client->send(connect_packet(user)), 200);
        EXPECT_TRUE(client->wait_for("unreadCount:updated"));
        return client;
    }
    /// As the notification service would: the row, then its event.
    contracts::Notification notify(base::UserId user, const std::string& title) {
        const auto row = api.add(user, title);
        contracts::NotificationCreated event;
        event.event_id = base::EventId::generate(base::system_clock());
        event.notification = row;
        event.notification.created_at = base::system_clock().now();
        event.version = row.version;
        event.unread_count = row.version;
        bus::Message message;
        message.subject = bus::subject::kNotificationCreated;
        message.message_id = event.event_id.to_string();
        message.payload = contracts::encode_bus_event(event);
        std::promise<bool> published;
        loop::spawn(loops.front()->executor(), publish_to(bus, message, published), "test");
        EXPECT_TRUE(published.get_future().get());
        return row;
    }

    const base::UserId ann = *base::UserId::parse("0190a0a0-0000-7000-8000-000000000001");
    const base::UserId bob = *base::UserId::parse("0190a0a0-0000-7000-8000-000000000002");
    GatewayConfig config;
    metrics::Registry registry;
    token::UserTokenSigner signer{kSecret, "carillon", "carillon"};
    std::unique_ptr<token::UserTokenVerifier> verifier = token::make_secret_verifier(kSecret, {});
    PidSealer pids{kSecret};
    FakeNotificationApi api;
    FakeAuthApi accounts;
    bus::LocalBus bus{base::system_clock(), {}};
    token::InternalTokens internal_tokens{kSecret};
    bus::LocalNodeRegistry nodes;
    std::vector<std::unique_ptr<loop::EventLoop>> loops;
    std::unique_ptr<Gateway> gateway;
    std::uint16_t port = 0;
};

TEST_F(GatewayTest, RingsInEveryTabOfTheUserAndNobodyElses) {
    start();
    const auto one = connected(ann);
    const auto two = connected(ann);
    const auto other = connected(bob);
    notify(ann, "hello");
    for (const auto& tab : {&one, &two}) {
        const auto packet = (*tab)->wait_for("notification:new");
        ASSERT_TRUE(packet);
        EXPECT_THAT(*packet, AllOf(HasSubstr(R"("title":"hello")"), HasSubstr(R"("unreadCount":1)"),
                                   HasSubstr(R"("version":"1")")));
        EXPECT_TRUE((*tab)->wait_for(R"(["unreadCount:updated",{"count":1,"version":"1"},"1"])"));
    }
    notify(bob, "for bob");
    EXPECT_THAT(*other->wait_for("notification:new"), HasSubstr("for bob")) << "the first that bob hears";
}

TEST_F(GatewayTest, ServesTheNamespaceWsAlike) {
    start();
    PollingClient client{port};
    ASSERT_EQ(client.open(), 200);
    ASSERT_EQ(client.send(R"(40/ws,{"token":")" + token(ann) + R"("})"), 200);
    EXPECT_TRUE(client.wait_for(R"(42/ws,["unreadCount:updated")"));
    notify(ann, "hello");
    EXPECT_TRUE(client.wait_for(R"(42/ws,["notification:new")"));
}

TEST_F(GatewayTest, AnswersCommands) {
    start();
    const auto row = api.add(ann, "one");
    const auto client = connected(ann);
    client->send(R"(427["notification:read",{"notificationId":")" + row.id.to_string() + R"("}])");
    EXPECT_TRUE(client->wait_for(R"(437[{"ok":true,"notificationId":")" + row.id.to_string() +
                                 R"(","unreadCount":0,"version":"2"}])"));
}

TEST_F(GatewayTest, RefusesABadTokenWithAConnectError) {
    start();
    PollingClient client{port};
    client.open();
    client.send(R"(40{"token":"bad"})");
    EXPECT_THAT(client.wait_for("44").value_or(""), HasSubstr(R"("data":{"code":"token_invalid"})"));
}

TEST_F(GatewayTest, ShardsShareUsersWhereverTheirConnectionsLand) {
    start(3);
    std::vector<std::unique_ptr<PollingClient>> tabs;
    for (int i = 0; i < 12; ++i) tabs.push_back(connected(ann));
    notify(ann, "to all");
    for (const auto& tab : tabs) EXPECT_TRUE(tab->wait_for("to all"));
    EXPECT_EQ(registry.gauge("users_active", "").value(), 1);
    EXPECT_EQ(registry.gauge("connections_active", "", {{"transport", "polling"}}).value(), 12);
}

TEST_F(GatewayTest, RefusesMoreConnectionsThanItMayHold) {
    config.max_connections = 1;
    start();
    const auto client = connected(ann);
    EXPECT_EQ(PollingClient{port}.open(), 503);
    client->send("1");
    EXPECT_TRUE(eventually([&] { return PollingClient{port}.open() == 200; }));
}

TEST_F(GatewayTest, ConnectionsAreCountedInAndOut) {
    start();
    const auto client = connected(ann);
    EXPECT_EQ(registry.counter("connections_total", "").value(), 1);
    EXPECT_EQ(registry.gauge("users_active", "").value(), 1);
    client->send("1");
    EXPECT_TRUE(eventually([&] { return registry.gauge("users_active", "").value() == 0; }));
    EXPECT_EQ(registry.gauge("connections_active", "", {{"transport", "polling"}}).value(), 0);
    EXPECT_THAT(
        request(port, "GET", "/metrics").body,
        AllOf(HasSubstr("carillon_disconnections_total{reason="), HasSubstr("carillon_delivery_latency_seconds"),
              HasSubstr(R"(carillon_messages_sent_total{event="unreadCount:updated"} 1)")));
}

TEST_F(GatewayTest, DrainTellsTheSocketsClosesThemAndRefusesNewOnes) {
    start();
    const auto one = connected(ann);
    const auto two = connected(bob);
    EXPECT_EQ(request(port, "GET", "/readyz").status, 200);
    std::promise<void> done;
    loop::spawn(loops.front()->executor(), drain_it(*gateway, 400ms, done), "test");
    EXPECT_THAT(one->wait_for("server:draining").value_or(""), HasSubstr("retryAfterMs"));
    EXPECT_EQ(PollingClient{port}.open(), 503);
    EXPECT_EQ(request(port, "GET", "/readyz").status, 503);
    EXPECT_TRUE(two->wait_for("server:draining"));
    EXPECT_EQ(two->wait_for("\x01 never"), std::nullopt) << "the session ends";
    EXPECT_EQ(done.get_future().wait_for(5s), std::future_status::ready);
    EXPECT_EQ(registry.counter("disconnections_total", "", {{"reason", "server draining"}}).value(), 2);
}

TEST_F(GatewayTest, RestNeedsATokenAndThePermission) {
    start();
    EXPECT_EQ(request(port, "GET", "/notifications").status, 401);
    const std::string reader = token(ann, {"notification:read"});
    EXPECT_EQ(request(port, "GET", "/notifications", reader).status, 200);
    EXPECT_EQ(request(port, "POST", "/notifications/read-all", reader).status, 403);
    const std::string marker = token(ann, {"notification:update"});
    EXPECT_EQ(request(port, "GET", "/notifications/unread-count", marker).status, 403);
    EXPECT_EQ(request(port, "POST", "/notifications/read-all", marker).status, 200);
}

TEST_F(GatewayTest, RestListsCountsFindsAndMarks) {
    start();
    const auto row = api.add(ann, "one");
    api.add(ann, "two");
    const std::string own = token(ann);
    const std::string path = "/notifications/" + row.id.to_string();
    EXPECT_THAT(
        request(port, "GET", "/notifications?limit=1", own).body,
        AllOf(HasSubstr(R"("title":"two")"), Not(HasSubstr(R"("title":"one")")), HasSubstr(R"("unreadCount":2)")));
    EXPECT_EQ(request(port, "GET", "/notifications/unread-count", own).body, R"({"count":2,"version":"2"})");
    EXPECT_THAT(request(port, "GET", path, own).body, HasSubstr(R"("readAt":null)"));
    EXPECT_EQ(request(port, "GET", path, token(bob)).status, 404) << "another user's";
    const auto read = request(port, "POST", path + "/read", own);
    EXPECT_EQ(read.status, 200);
    EXPECT_THAT(read.body, AllOf(HasSubstr(R"("unreadCount":1)"), HasSubstr(R"("version":"3")")));
    EXPECT_EQ(request(port, "POST", path + "/read", own).body, read.body) << "again: the same answer";
    EXPECT_EQ(request(port, "POST", "/notifications/read-all", own, R"({"before":"9"})").body,
              R"({"updated":1,"unreadCount":0,"version":"4"})");
}

TEST_F(GatewayTest, AnErasedAccountsTokensAreRevokedAlsoWhenItsInboxCannotBeErasedNow) {
    start();
    api.failing = true;
    const std::string admin = token(bob, {"admin"});
    EXPECT_EQ(request(port, "DELETE", "/admin/users/" + ann.to_string() + "/data", admin).status, 503);
    const std::string of_ann = "/users/" + ann.to_string();
    EXPECT_THAT(accounts.asked(), IsSupersetOf({"GET " + of_ann + "/account", "DELETE " + of_ann + "/account",
                                                "POST " + of_ann + "/revocations"}));
}

TEST_F(GatewayTest, RestRefusesWhatItDoesNotUnderstand) {
    start();
    const std::string own = token(ann);
    struct Case {
        const char* method;
        const char* target;
        const char* body;
        int status;
    };
    const Case cases[] = {{"GET", "/notifications?limit=0", "", 400},
                          {"GET", "/notifications?limit=101", "", 400},
                          {"GET", "/notifications?limit=x", "", 400},
                          {"GET", "/notifications?status=new", "", 400},
                          {"GET", "/notifications?cursor=bad", "", 400},
                          {"GET", "/notifications/no-uuid", "", 404},
                          {"POST", "/notifications/no-uuid/read", "", 404},
                          {"POST", "/notifications/read-all", "{", 400},
                          {"POST", "/notifications/read-all", R"({"before":"x"})", 422},
                          {"DELETE", "/notifications", "", 405}};
    for (const auto& test : cases) {
        EXPECT_EQ(request(port, test.method, test.target, own, test.body).status, test.status) << test.target;
    }
}

TEST_F(GatewayTest, RestCreatesForOthersOnlyWithThePermission) {
    start();
    const auto body = [](base::UserId user) {
        return R"({"userId":")" + user.to_string() + R"(","type":"t","title":"hi"})";
    };
    const std::string self = token(ann, {"notification:create:self"});
    EXPECT_EQ(request(port, "POST", "/notifications", self, body(bob)).status, 403);
    const auto own = request(port, "POST", "/notifications", self, body(ann));
    EXPECT_EQ(own.status, 201);
    EXPECT_THAT(own.head, HasSubstr("Location: /notifications/"));
    const std::string any = token(ann, {"notification:create"});
    EXPECT_EQ(request(port, "POST", "/notifications", any, body(bob)).status, 201);
    EXPECT_EQ(request(port, "POST", "/notifications", token(ann), body(ann)).status, 403);
    EXPECT_EQ(request(port, "POST", "/notifications", any, R"({"userId":"x"})").status, 422);
}

TEST_F(GatewayTest, RestIsLimitedPerUser) {
    config.rest_rate_limit = 2;
    start();
    const std::string own = token(ann);
    const auto first = request(port, "GET", "/notifications", own);
    EXPECT_THAT(first.head, AllOf(HasSubstr(R"(RateLimit-Policy: "default";q=2;w=1)"),
                                  HasSubstr(R"(RateLimit: "default";r=1;t=1)")));
    testing::HttpAnswer refused;
    EXPECT_TRUE(eventually([&] {
        refused = request(port, "GET", "/notifications", own);
        return refused.status == 429;
    }));
    EXPECT_THAT(refused.head, AllOf(HasSubstr("Retry-After: 1"), HasSubstr("r=0")));
    EXPECT_EQ(request(port, "GET", "/notifications", token(bob)).status, 200);
}

TEST_F(GatewayTest, SaysThatTheServiceIsAway) {
    api.failing = true;
    start();
    const auto answer = request(port, "GET", "/notifications", token(ann));
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.head, HasSubstr("Retry-After: 1"));
    EXPECT_EQ(request(port, "GET", "/readyz").status, 503);
    EXPECT_EQ(request(port, "GET", "/livez").status, 200);
}

TEST_F(GatewayTest, PassesAccountsOnToTheAuthService) {
    start();
    EXPECT_EQ(request(port, "POST", "/auth/login", {}, "{}").body, "POST /auth/login");
    EXPECT_EQ(request(port, "GET", "/auth/me").body, "GET /auth/me");
    EXPECT_EQ(request(port, "GET", "/.well-known/jwks.json").body, "GET /.well-known/jwks.json");
}

}  // namespace
}  // namespace carillon::gateway
