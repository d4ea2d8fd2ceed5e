#include "gateway/socket_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/fake_apis.hpp"
#include "gateway/fake_socket.hpp"
#include "gateway/manual_loop.hpp"

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::FakeNotificationApi;
using testing::FakeSocket;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ManualLoop;

constexpr const char* kSecret = "a secret of at least thirty-two bytes";
constexpr const char* kUser = "0190a0a0-0000-7000-8000-000000000001";
constexpr const char* kOtherUser = "0190a0a0-0000-7000-8000-000000000002";

/// A namespace that plays the server's part: middleware, then connection.
class FakeNamespace final : public socketio::Namespace {
 public:
    void use(socketio::Middleware middleware) override { middleware_ = std::move(middleware); }
    void on_connection(std::function<void(const socketio::SocketPtr&)> handler) override {
        handler_ = std::move(handler);
    }
    void emit(const socketio::EncodedEvent&) override {}
    void emit_to(const std::string&, const socketio::EncodedEvent&) override {}
    std::size_t size() const override { return 0; }

    /// The `data` of the CONNECT_ERROR, or empty.
    std::string connect(const socketio::SocketPtr& socket) {
        std::string refused;
        middleware_(socket, [&](const std::optional<socketio::ConnectError>& error) {
            if (error) {
                refused = error->data_json;
            } else {
                handler_(socket);
            }
        });
        return refused;
    }

 private:
    socketio::Middleware middleware_;
    std::function<void(const socketio::SocketPtr&)> handler_;
};

class SocketSessionTest : public ::testing::Test {
 protected:
    SocketSessionTest() { SocketSession::serve(nsp, context); }
    ~SocketSessionTest() override {
        loop.settle();
        for (const auto& weak : sockets) {
            if (const auto open = weak.lock()) open->end("transport close");
        }
        EXPECT_EQ(context->registry.sockets(), 0U);
        EXPECT_EQ(context->deadlines.size(), 0U);
    }

    std::string token(const char* user, std::chrono::seconds lifetime = 1h,
                      std::vector<std::string> permissions = {"notification:read", "notification:update"}) {
        return signer.sign(*base::UserId::parse(user), permissions, lifetime, loop.clock.now());
    }
    std::shared_ptr<FakeSocket> socket(std::string id, const std::string& auth_token = {}) {
        auto made = std::make_shared<FakeSocket>(std::move(id));
        sockets.push_back(made);
        made->handshake_value.auth_json = auth_token.empty() ? "{}" : R"({"token":")" + auth_token + R"("})";
        return made;
    }
    std::shared_ptr<FakeSocket> connected(std::string id, const std::string& auth_token = {}) {
        auto made = socket(std::move(id), auth_token);
        EXPECT_EQ(nsp.connect(made), "");
        return made;
    }
    /// Sends an event and returns its ack.
    std::string ask(FakeSocket& client, const std::string& event, const std::vector<std::string>& arguments = {}) {
        client.send(event, arguments);
        loop.settle();
        return client.acks.empty() ? "" : client.acks.back();
    }
    void run_deadlines(std::chrono::milliseconds by) {
        loop.clock.advance(by);
        context->deadlines.run_due(loop.clock.steady_now());
        loop.settle();
    }
    double metric(const std::string& name, const metrics::Labels& labels = {}) {
        return registry.counter(name, "", labels).value();
    }

    ManualLoop loop;
    metrics::Registry registry;
    GatewayMetrics gateway_metrics{registry};
    token::UserTokenSigner signer{kSecret, "carillon", "carillon"};
    std::unique_ptr<token::UserTokenVerifier> verifier = token::make_secret_verifier(kSecret, {});
    FakeNotificationApi api;
    RateLimiter limiter{loop.clock, 10};
    std::vector<std::string> registered;
    std::vector<std::string> gone;
    std::shared_ptr<SessionContext> context{
        new SessionContext{SessionConfig{10s, 2, true, 10s, 3},
                           loop.executor(),
                           loop.clock,
                           *verifier,
                           api,
                           limiter,
                           gateway_metrics,
                           [this](base::UserId, const std::string& id) { registered.push_back(id); },
                           [this](base::UserId user) { gone.push_back(user.to_string()); },
                           {},
                           {}}};
    FakeNamespace nsp;
    std::vector<std::weak_ptr<FakeSocket>> sockets;
};

TEST_F(SocketSessionTest, ATokenInAuthRegistersTheSocket) {
    const auto client = connected("a", token(kUser));
    EXPECT_THAT(registered, ElementsAre("a"));
    EXPECT_EQ(context->registry.sockets_by_user(*base::UserId::parse(kUser)).size(), 1U);
    EXPECT_EQ(client->handshake().auth_json, "{}") << "the handshake, with its token, is freed";
    client->end("transport close");
    EXPECT_EQ(context->registry.sockets(), 0U);
    EXPECT_THAT(gone, ElementsAre(kUser));
    EXPECT_EQ(context->deadlines.size(), 0U);
}

TEST_F(SocketSessionTest, TakesTheTokenFromHeaderOrQueryToo) {
    auto by_header = socket("a");
    by_header->handshake_value.authorization = "Bearer " + token(kUser);
    EXPECT_EQ(nsp.connect(by_header), "");
    auto by_query = socket("b");
    by_query->handshake_value.query["token"] = token(kUser);
    EXPECT_EQ(nsp.connect(by_query), "");
    EXPECT_THAT(registered, ElementsAre("a", "b"));
}

TEST_F(SocketSessionTest, DoesNotLookAtTheQueryWhenItIsTurnedOff) {
    context->config.query_token = false;
    auto client = socket("a");
    client->handshake_value.query["token"] = token(kUser);
    EXPECT_EQ(nsp.connect(client), "");
    EXPECT_THAT(registered, IsEmpty());
}

TEST_F(SocketSessionTest, ATokenThatIsNoGoodRefusesTheConnectWithItsCode) {
    const std::string expired = token(kUser, 1s);
    loop.clock.advance(2s);
    EXPECT_EQ(nsp.connect(socket("a", expired)), R"({"code":"token_expired"})");
    EXPECT_EQ(nsp.connect(socket("b", "nonsense")), R"({"code":"token_invalid"})");
    EXPECT_EQ(nsp.connect(socket("c", token(kUser, 1h, {"notification:update"}))), R"({"code":"forbidden"})");
    auto number = socket("d");
    number->handshake_value.auth_json = R"({"token":5})";
    EXPECT_EQ(nsp.connect(number), R"({"code":"token_invalid"})");
    EXPECT_EQ(metric("auth_failures_total", {{"code", "token_invalid"}}), 2);
    EXPECT_THAT(registered, IsEmpty());
}

TEST_F(SocketSessionTest, AUserHasALimitedNumberOfSockets) {
    auto first = connected("a", token(kUser));
    auto second = connected("b", token(kUser));
    EXPECT_EQ(nsp.connect(socket("c", token(kUser))), R"({"code":"too_many_connections"})");
    EXPECT_EQ(nsp.connect(socket("d", token(kOtherUser))), "") << "others are not affected";
    first->end("transport close");
    EXPECT_EQ(nsp.connect(socket("e", token(kUser))), "");
}

TEST_F(SocketSessionTest, ASocketThatIsNeverAdmittedGivesItsPlaceBack) {
    {
        // The connection goes between middleware and connection.
        auto lost = socket("a", token(kUser));
        auto session = std::make_shared<SocketSession>(context, lost);
        nsp.connect(lost);
        lost->end("transport close");
    }
    auto a = connected("b", token(kUser));
    auto b = connected("c", token(kUser));
    EXPECT_EQ(limiter.of(*base::UserId::parse(kUser))->sockets(), 2U);
}

TEST_F(SocketSessionTest, ASocketWithoutATokenIsCutOffAfterTheDeadline) {
    const auto client = connected("a");
    EXPECT_THAT(registered, IsEmpty());
    run_deadlines(9'999ms);
    EXPECT_TRUE(client->connected());
    run_deadlines(1ms);
    EXPECT_EQ(client->ended_by, "server namespace disconnect") << "so that a stock client does not come back";
    EXPECT_THAT(client->emitted, IsEmpty());
}

TEST_F(SocketSessionTest, AuthAuthenticatesALiveSocket) {
    const auto client = connected("a");
    const std::string id = R"({"notificationId":"0190a0a0-0000-7000-8000-0000000000aa"})";
    EXPECT_THAT(ask(*client, "notification:read", {id}), HasSubstr(R"("code":"unauthenticated")"));
    EXPECT_EQ(ask(*client, "AUTH", {R"({"token":")" + token(kUser) + R"("})"}),
              R"({"ok":true,"userId":")" + std::string{kUser} + R"("})");
    EXPECT_THAT(registered, ElementsAre("a"));
    run_deadlines(20s);
    EXPECT_TRUE(client->connected());
    EXPECT_THAT(ask(*client, "notification:read", {id}), HasSubstr(R"("code":"not_found")"));
}

TEST_F(SocketSessionTest, ARefusedAuthLeavesTheSocketAsItWas) {
    const auto client = connected("a", token(kUser));
    EXPECT_THAT(ask(*client, "AUTH", {R"({"token":"bad"})"}), HasSubstr(R"("code":"unauthenticated")"));
    EXPECT_THAT(ask(*client, "AUTH", {R"({"token":")" + token(kOtherUser) + R"("})"}),
                HasSubstr(R"("code":"forbidden")"));
    EXPECT_THAT(ask(*client, "AUTH", {R"({"tok":"x"})"}), HasSubstr(R"("code":"invalid_payload")"));
    EXPECT_TRUE(client->connected());
    EXPECT_THAT(ask(*client, "notification:sync", {R"({"since":"0"})"}), HasSubstr(R"("ok":true)"));
    EXPECT_THAT(registered, ElementsAre("a"));
}

TEST_F(SocketSessionTest, TellsThatTheTokenEndsAndClosesTheTransportThen) {
    const auto client = connected("a", token(kUser, 5min));
    run_deadlines(4min - 1ms);
    EXPECT_THAT(client->emitted, IsEmpty());
    run_deadlines(1ms);
    EXPECT_THAT(client->emitted, ElementsAre(R"(["auth:expiring",{"expiresAt":"2026-11-23T00:05:00.000Z"}])"));
    run_deadlines(1min);
    EXPECT_EQ(client->ended_by, "token expired");
}

TEST_F(SocketSessionTest, TellsAtOnceWhenLessThanAMinuteIsLeft) {
    const auto client = connected("a", token(kUser, 30s));
    EXPECT_THAT(client->emitted, ElementsAre(HasSubstr("auth:expiring")));
}

TEST_F(SocketSessionTest, AuthRenewsTheToken) {
    const auto client = connected("a", token(kUser, 90s));
    run_deadlines(31s);
    ASSERT_EQ(client->emitted.size(), 1U);
    EXPECT_THAT(ask(*client, "AUTH", {R"({"token":")" + token(kUser, 1h) + R"("})"}), HasSubstr(R"("ok":true)"));
    run_deadlines(58min);
    EXPECT_EQ(client->emitted.size(), 1U);
    run_deadlines(1min);
    EXPECT_EQ(client->emitted.size(), 2U) << "told again before the new end";
    EXPECT_TRUE(client->connected());
    run_deadlines(1min);
    EXPECT_EQ(client->ended_by, "token expired");
}

TEST_F(SocketSessionTest, MarksReadAndAcknowledges) {
    const auto user = *base::UserId::parse(kUser);
    const auto row = api.add(user, "one");
    api.add(user, "two");
    const auto client = connected("a", token(kUser));
    const std::string payload = R"({"notificationId":")" + row.id.to_string() + R"("})";
    EXPECT_EQ(ask(*client, "notification:read", {payload}),
              R"({"ok":true,"notificationId":")" + row.id.to_string() + R"(","unreadCount":1,"version":"3"})");
    EXPECT_EQ(ask(*client, "notification:read-all"), R"({"ok":true,"updated":1,"unreadCount":0,"version":"4"})");
    EXPECT_THAT(ask(*client, "notification:sync", {R"({"since":"0","limit":1})"}),
                ::testing::AllOf(HasSubstr(R"("version":"4")"), HasSubstr(R"("hasMore":true)")));
    EXPECT_EQ(metric("messages_received_total", {{"event", "notification:read"}}), 1);
}

struct BadCommand {
    const char* event;
    std::vector<std::string> arguments;
};

TEST_F(SocketSessionTest, RefusesWhatBreaksTheContract) {
    const auto client = connected("a", token(kUser));
    const BadCommand commands[] = {{"notification:read", {}},
                                   {"notification:read", {R"({"notificationId":"x"})"}},
                                   {"notification:read", {"5"}},
                                   {"notification:read-all", {R"({"before":-1})"}},
                                   {"notification:sync", {R"({"since":"x"})"}},
                                   {"notification:sync", {R"({"since":"1","limit":501})"}},
                                   {"whatever", {}}};
    for (const auto& command : commands) {
        EXPECT_THAT(ask(*client, command.event, command.arguments), HasSubstr(R"("code":"invalid_payload")"))
            << command.event;
    }
    EXPECT_TRUE(client->connected());
    EXPECT_EQ(metric("messages_received_total", {{"event", "other"}}), 1);
}

TEST_F(SocketSessionTest, WithoutAnAckTheErrorComesAsAnEvent) {
    const auto client = connected("a", token(kUser));
    client->send("whatever", {}, false);
    EXPECT_THAT(client->emitted, ElementsAre(HasSubstr(R"(["error",{)")));
    EXPECT_THAT(client->emitted.at(0), HasSubstr(R"("code":"invalid_payload")"));
}

TEST_F(SocketSessionTest, MarkingNeedsThePermission) {
    const auto client = connected("a", token(kUser, 1h, {"notification:read"}));
    EXPECT_THAT(ask(*client, "notification:read-all"), HasSubstr(R"("code":"forbidden")"));
    EXPECT_THAT(ask(*client, "notification:sync", {R"({"since":"0"})"}), HasSubstr(R"("ok":true)"));
}

TEST_F(SocketSessionTest, SaysUnavailableAndInternal) {
    const auto client = connected("a", token(kUser));
    const std::string id = R"({"notificationId":"0190a0a0-0000-7000-8000-0000000000aa"})";
    api.failing = true;
    const std::string ack = ask(*client, "notification:read", {id});
    EXPECT_THAT(ack, HasSubstr(R"("code":"unavailable")"));
    EXPECT_THAT(ack, HasSubstr(R"("retryAfterMs":1000)"));
    api.throwing = true;
    EXPECT_THAT(ask(*client, "notification:read", {id}), HasSubstr(R"("code":"internal")"));
}

TEST_F(SocketSessionTest, LimitsMessagesOverAllSocketsOfAUser) {
    const auto a = connected("a", token(kUser));
    const auto b = connected("b", token(kUser));
    for (int i = 0; i < 5; ++i) {
        EXPECT_THAT(ask(*a, "whatever"), HasSubstr("invalid_payload"));
        EXPECT_THAT(ask(*b, "notification:sync", {R"({"since":"0"})"}), HasSubstr(R"("ok":true)"));
    }
    const std::string ack = ask(*a, "notification:sync", {R"({"since":"0"})"});
    EXPECT_THAT(ack, HasSubstr(R"("code":"rate_limited")"));
    EXPECT_THAT(ack, HasSubstr(R"("retryAfterMs":100)"));
    EXPECT_EQ(metric("rate_limited_total"), 1);
    a->end("transport close");
    const auto again = connected("c", token(kUser));
    EXPECT_THAT(ask(*again, "whatever"), HasSubstr("rate_limited")) << "reconnecting does not refill";
}

TEST_F(SocketSessionTest, AFloodClosesTheTransport) {
    const auto client = connected("a", token(kUser));
    for (int i = 0; i < 100; ++i) client->send("whatever", {});
    EXPECT_TRUE(client->connected());
    client->send("whatever", {});
    EXPECT_EQ(client->ended_by, "rate limit exceeded");
}

TEST_F(SocketSessionTest, BoundsTheCommandsUnderWay) {
    const auto client = connected("a", token(kUser));
    const std::vector<std::string> sync{R"({"since":"0"})"};
    for (int i = 0; i < 4; ++i) client->send("notification:sync", sync);
    // Nothing has run yet, so three are under way and the fourth was refused.
    ASSERT_EQ(client->acks.size(), 1U);
    EXPECT_THAT(client->acks.at(0), HasSubstr("rate_limited"));
    loop.settle();
    EXPECT_EQ(client->acks.size(), 4U);
    EXPECT_THAT(ask(*client, "notification:sync", sync), HasSubstr(R"("ok":true)"));
}

TEST_F(SocketSessionTest, ACommandThatGetsNoAnswerIsAnsweredInTime) {
    const auto client = connected("a", token(kUser));
    client->send("notification:read", {R"({"notificationId":"0190a0a0-0000-7000-8000-0000000000aa"})"});
    // The service answers only after the deadline.
    api.before_answer = [this] {
        loop.clock.advance(11s);
        context->deadlines.run_due(loop.clock.steady_now());
    };
    loop.settle();
    ASSERT_EQ(client->acks.size(), 1U) << "once";
    EXPECT_THAT(client->acks.at(0), HasSubstr(R"("code":"unavailable")"));
}

TEST_F(SocketSessionTest, ASocketMayGoWhileItsCommandRuns) {
    auto client = connected("a", token(kUser));
    client->send("notification:sync", {R"({"since":"0"})"}, false);
    client->send("notification:read", {R"({"notificationId":"0190a0a0-0000-7000-8000-0000000000aa"})"}, false);
    client->end("transport close");
    client.reset();
    loop.settle();
    EXPECT_EQ(context->registry.sockets(), 0U);
    EXPECT_EQ(limiter.of(*base::UserId::parse(kUser))->sockets(), 0U);
}

}  // namespace
}  // namespace carillon::gateway
