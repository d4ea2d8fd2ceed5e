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

    /// The `data` of the CONNECT_ERROR, or empty. The socket may be let in later.
    std::string connect(const socketio::SocketPtr& socket) {
        const auto refused = std::make_shared<std::string>();
        middleware_(socket, [this, refused, weak = std::weak_ptr{socket}](const auto& error) {
            const auto still = weak.lock();
            if (!still) return;
            if (error) {
                *refused = error->data_json;
            } else {
                handler_(still);
            }
        });
        return *refused;
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
        if (!auth_token.empty()) arrive();
        std::erase_if(made->emitted, [](const auto& event) { return event.starts_with("[\"unreadCount:updated"); });
        return made;
    }
    /// The state that the newcomer waits for: the last one's, if none is named.
    void arrive(Arrival arrival = state(0), std::size_t index = 0) {
        const auto number = newcomers.at(index == 0 ? newcomers.size() - 1 : index - 1).number;
        const auto found = context->arriving.find(number);
        if (found == context->arriving.end()) return;
        if (const auto session = found->second.lock()) session->arrive(arrival);
    }
    /// The ids of the sockets that are registered.
    std::vector<std::string> registered() const {
        std::vector<std::string> ids;
        context->registry.for_all([&](const socketio::SocketPtr& one) { ids.push_back(one->id()); });
        std::sort(ids.begin(), ids.end());
        return ids;
    }
    static Arrival state(base::Version version) {
        Arrival arrival;
        arrival.offset = version;
        arrival.count = encode_count({0, version}, version);
        return arrival;
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
    PidSealer pids{kSecret};
    std::vector<Newcomer> newcomers;
    std::vector<std::string> gone;
    std::vector<RecoveryNotice> notices;
    std::shared_ptr<SessionContext> context{
        new SessionContext{SessionConfig{10s, 2, true, 10s, 3},
                           loop.executor(),
                           loop.clock,
                           *verifier,
                           api,
                           limiter,
                           gateway_metrics,
                           pids,
                           [this](base::UserId, Newcomer newcomer) { newcomers.push_back(std::move(newcomer)); },
                           [this](base::UserId user) { gone.push_back(user.to_string()); },
                           [this](const RecoveryNotice& notice) { notices.push_back(notice); },
                           {},
                           {},
                           {}}};
    FakeNamespace nsp;
    std::vector<std::weak_ptr<FakeSocket>> sockets;
};

TEST_F(SocketSessionTest, ATokenInAuthRegistersTheSocket) {
    const auto client = connected("a", token(kUser));
    EXPECT_THAT(registered(), ElementsAre("a"));
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
    arrive();
    auto by_query = socket("b");
    by_query->handshake_value.query["token"] = token(kUser);
    EXPECT_EQ(nsp.connect(by_query), "");
    arrive();
    EXPECT_THAT(registered(), ElementsAre("a", "b"));
}

TEST_F(SocketSessionTest, DoesNotLookAtTheQueryWhenItIsTurnedOff) {
    context->config.query_token = false;
    auto client = socket("a");
    client->handshake_value.query["token"] = token(kUser);
    EXPECT_EQ(nsp.connect(client), "");
    EXPECT_THAT(registered(), IsEmpty());
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
    EXPECT_THAT(registered(), IsEmpty());
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
        nsp.connect(lost);
        EXPECT_EQ(limiter.of(*base::UserId::parse(kUser))->sockets(), 1U);
    }
    EXPECT_THAT(gone, ElementsAre(kUser));
    EXPECT_THAT(context->arriving, IsEmpty());
    auto a = connected("b", token(kUser));
    auto b = connected("c", token(kUser));
    EXPECT_EQ(limiter.of(*base::UserId::parse(kUser))->sockets(), 2U);
}

TEST_F(SocketSessionTest, ASocketWithoutATokenIsCutOffAfterTheDeadline) {
    const auto client = connected("a");
    EXPECT_THAT(registered(), IsEmpty());
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
    EXPECT_THAT(registered(), ElementsAre("a"));
    EXPECT_THAT(client->emitted, IsEmpty()) << "before its state is known";
    arrive(state(7));
    EXPECT_THAT(client->emitted, ElementsAre(R"(["unreadCount:updated",{"count":0,"version":"7"},"7"])"));
    EXPECT_EQ(client->shown_pid, "") << "it connected without a user";
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
    EXPECT_THAT(registered(), ElementsAre("a"));
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

class ComingBack : public SocketSessionTest {
 protected:
    const base::UserId user = *base::UserId::parse(kUser);

    std::shared_ptr<FakeSocket> showing(const std::string& id, const std::string& recovery, const char* whose = kUser) {
        auto made = socket(id);
        made->handshake_value.auth_json = R"({"token":")" + token(whose) + R"(",)" + recovery + "}";
        EXPECT_EQ(nsp.connect(made), "");
        return made;
    }
    std::string pid_of(const std::string& id, std::optional<base::Version> version = 3) const {
        return pids.seal({user, "/", id, version});
    }
    std::string pid_field(const std::string& id) const { return R"("pid":")" + pid_of(id) + "\""; }
    static Arrival recovered(base::Version since, base::Version now) {
        Arrival arrival = state(now);
        arrival.recovered = true;
        arrival.offset = since;
        for (auto version = since + 1; version <= now; ++version) {
            arrival.missed.push_back({});
            arrival.missed.back().events = encode_count({9, version}, version);
        }
        return arrival;
    }
};

TEST_F(ComingBack, TheConnectIsAnsweredWhenTheStateIsKnownAndShowsItsVersion) {
    auto client = socket("a", token(kUser));
    EXPECT_EQ(nsp.connect(client), "");
    EXPECT_THAT(registered(), IsEmpty());
    ASSERT_EQ(newcomers.size(), 1U);
    EXPECT_FALSE(newcomers[0].since);
    arrive(state(7));
    EXPECT_THAT(registered(), ElementsAre("a"));
    EXPECT_EQ(pids.open(client->shown_pid), (Pid{user, "/", "a", 7}));
    EXPECT_EQ(client->first_offset, 7U);
    EXPECT_THAT(client->emitted, ElementsAre(R"(["unreadCount:updated",{"count":0,"version":"7"},"7"])"));
    EXPECT_THAT(notices, IsEmpty());
}

TEST_F(ComingBack, AskedForByAPidAndAnOffset) {
    const auto first = showing("new", pid_field("old"));
    EXPECT_EQ(newcomers.back().since, 3U) << "no event yet: the version at CONNECT";
    EXPECT_EQ(newcomers.back().socket_id, "old");
    const auto second = showing("newer", pid_field("old") + R"(,"offset":"17")");
    EXPECT_EQ(newcomers.back().since, 17U);
}

TEST_F(ComingBack, HasItsIdAndPidAgainAndThenWhatItMissed) {
    auto client = showing("new", pid_field("old") + R"(,"offset":"5")");
    arrive(recovered(5, 7));
    EXPECT_EQ(client->id(), "old");
    EXPECT_EQ(client->shown_pid.size(), pid_of("old").size());
    EXPECT_EQ(pids.open(client->shown_pid), (Pid{user, "/", "old", 3})) << "the one it showed";
    EXPECT_EQ(client->first_offset, 5U);
    EXPECT_THAT(registered(), ElementsAre("old"));
    EXPECT_THAT(client->emitted, ElementsAre(R"(["unreadCount:updated",{"count":9,"version":"6"},"6"])",
                                             R"(["unreadCount:updated",{"count":9,"version":"7"},"7"])",
                                             R"(["unreadCount:updated",{"count":0,"version":"7"},"7"])"));
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_EQ(notices[0].socket_id, "old");
}

TEST_F(ComingBack, WhoCannotBeBroughtUpToDateIsANewSocket) {
    auto client = showing("new", pid_field("old") + R"(,"offset":"5")");
    arrive(state(900));
    EXPECT_EQ(client->id(), "new");
    EXPECT_EQ(pids.open(client->shown_pid), (Pid{user, "/", "new", 900}));
    EXPECT_EQ(client->emitted.size(), 1U);
    EXPECT_THAT(notices, IsEmpty());
}

TEST_F(ComingBack, TheTokenIsVerifiedFirstAndMustBeOfTheSameUser) {
    auto refused = socket("b");
    refused->handshake_value.auth_json = R"({"token":"bad",)" + pid_field("old") + R"(,"offset":"5"})";
    EXPECT_EQ(nsp.connect(refused), R"({"code":"token_invalid"})");
    EXPECT_THAT(newcomers, IsEmpty()) << "nothing was looked up";
    EXPECT_THAT(refused->emitted, IsEmpty());
    const auto other = showing("c", pid_field("old") + R"(,"offset":"5")", kOtherUser);
    EXPECT_FALSE(newcomers.back().since) << "another user's";
    EXPECT_EQ(newcomers.back().socket_id, "");
}

TEST_F(ComingBack, AClientIsNotKeptWaitingForAServiceThatIsAway) {
    auto client = showing("new", pid_field("old") + R"(,"offset":"5")");
    run_deadlines(2'999ms);
    EXPECT_THAT(registered(), IsEmpty());
    run_deadlines(1ms);
    EXPECT_THAT(registered(), ElementsAre("new"));
    EXPECT_EQ(pids.open(client->shown_pid), (Pid{user, "/", "new", std::nullopt})) << "to come back by an offset only";
    arrive(recovered(5, 7));
    EXPECT_EQ(client->id(), "new");
    EXPECT_THAT(client->emitted, ElementsAre(R"(["unreadCount:updated",{"count":0,"version":"7"},"7"])"));
    EXPECT_THAT(notices, IsEmpty());
}

TEST_F(ComingBack, OneThatGoesAwayWhileItWaitsLeavesNothing) {
    {
        const auto client = showing("new", pid_field("old"));
        EXPECT_EQ(context->arriving.size(), 1U);
    }
    EXPECT_THAT(context->arriving, IsEmpty());
    EXPECT_THAT(gone, ElementsAre(kUser));
    EXPECT_EQ(context->deadlines.size(), 0U);
    arrive(recovered(3, 4));
    EXPECT_THAT(registered(), IsEmpty());
}

TEST_F(ComingBack, TheUserIsNotGoneWhileAnotherSocketIsOnItsWay) {
    const auto first = connected("a", token(kUser));
    auto second = socket("b", token(kUser));
    EXPECT_EQ(nsp.connect(second), "");
    first->end("transport close");
    EXPECT_THAT(gone, IsEmpty());
    arrive();
    second->end("transport close");
    EXPECT_THAT(gone, ElementsAre(kUser));
}

TEST_F(ComingBack, ClientsThatCannotTakeOffsetsGetNoneAndNoPid) {
    auto python = socket("a", token(kUser));
    python->handshake_value.query["t"] = "1764042113.1234567";
    EXPECT_EQ(nsp.connect(python), "");
    arrive(state(7));
    EXPECT_EQ(python->shown_pid, "");
    EXPECT_FALSE(python->first_offset);
    const auto anonymous = connected("b");
    EXPECT_TRUE(anonymous->first_offset) << "all others' events end with an offset, with a pid or without";
    EXPECT_FALSE(base::parse_version(std::to_string(*anonymous->first_offset)));
}

TEST_F(ComingBack, TheOlderOfTwoSocketsGivesWayToANotice) {
    const auto client = connected("a", token(kUser));
    const auto session = std::static_pointer_cast<SocketSession>(client->data);
    auto at = [&](std::chrono::milliseconds ahead) {
        return std::chrono::duration_cast<std::chrono::microseconds>((loop.clock.now() + ahead).time_since_epoch())
            .count();
    };
    session->give_way({"a", {at(-100ms), 1}});
    EXPECT_TRUE(client->connected()) << "an older one's notice came late";
    session->give_way({"a", {at(100ms), 1}});
    EXPECT_EQ(client->ended_by, "server namespace disconnect");
}

}  // namespace
}  // namespace carillon::gateway
