#include "socketio/engine_request.hpp"

#include "socketio/server_fixture.hpp"

namespace carillon::socketio {
namespace {

class Requests : public ServerFixture {
 protected:
    EngineRequest handshake() const {
        EngineRequest request;
        request.transport = "polling";
        request.eio = "4";
        return request;
    }
    Refusal refused(const EngineRequest& request) {
        const auto verdict = judge(request, *server);
        const auto* refusal = std::get_if<Refusal>(&verdict);
        EXPECT_NE(refusal, nullptr);
        return refusal != nullptr ? *refusal : Refusal{};
    }
};

TEST_F(Requests, RefusalsAreWordedAsTheReferencesAre) {
    const std::pair<Refusal, std::string_view> table[] = {
        {Refusal::unknown_transport, R"({"code":0,"message":"Transport unknown"})"},
        {Refusal::unknown_sid, R"({"code":1,"message":"Session ID unknown"})"},
        {Refusal::bad_handshake_method, R"({"code":2,"message":"Bad handshake method"})"},
        {Refusal::bad_request, R"({"code":3,"message":"Bad request"})"},
        {Refusal::forbidden, R"({"code":4,"message":"Forbidden"})"},
        {Refusal::unsupported_protocol, R"({"code":5,"message":"Unsupported protocol version"})"},
    };
    for (const auto& [refusal, body] : table) {
        EXPECT_EQ(refusal_body(refusal), body);
        EXPECT_EQ(refusal_status(refusal), refusal == Refusal::forbidden ? 403 : 400);
    }
}

TEST_F(Requests, AHandshakeIsAcceptedOnEitherTransport) {
    EXPECT_TRUE(std::holds_alternative<OpenPolling>(judge(handshake(), *server)));
    auto websocket = handshake();
    websocket.transport = "websocket";
    websocket.upgrade = true;
    EXPECT_TRUE(std::holds_alternative<OpenWebSocket>(judge(websocket, *server)));
}

TEST_F(Requests, HandshakesAreCheckedInOrder) {
    auto request = handshake();
    request.transport = "carrier-pigeon";
    request.origin = "a\x01";
    request.origin_allowed = false;
    request.sid = "unknown";
    request.method = "POST";
    request.eio = "3";
    EXPECT_EQ(refused(request), Refusal::unknown_transport);
    request.transport = "";
    EXPECT_EQ(refused(request), Refusal::unknown_transport);
    request.transport = "webtransport";
    EXPECT_EQ(refused(request), Refusal::unknown_transport);
    request.transport = "websocket";
    EXPECT_EQ(refused(request), Refusal::bad_request);
    request.origin = "https://a.example";
    EXPECT_EQ(refused(request), Refusal::forbidden);
    request.origin_allowed = true;
    EXPECT_EQ(refused(request), Refusal::unknown_sid);
    request.sid = "";
    EXPECT_EQ(refused(request), Refusal::bad_handshake_method);
    request.method = "GET";
    EXPECT_EQ(refused(request), Refusal::bad_request);
    request.transport = "polling";
    EXPECT_EQ(refused(request), Refusal::unsupported_protocol);
    for (const std::string_view eio : {"", "5", "abc", "44", " 4"}) {
        request.eio = eio;
        EXPECT_EQ(refused(request), Refusal::unsupported_protocol) << eio;
    }
    request.eio = "4";
    request.upgrade = true;
    EXPECT_EQ(refused(request), Refusal::bad_request);
}

TEST_F(Requests, ASessionTakesItsOwnTransportOnly) {
    auto& session = open_polling();
    const std::string sid{session.sid()};
    auto request = handshake();
    request.sid = sid;
    EXPECT_TRUE(std::holds_alternative<PollSession>(judge(request, *server)));
    request.method = "POST";
    EXPECT_TRUE(std::holds_alternative<PostToSession>(judge(request, *server)));
    for (const std::string_view method : {"PUT", "DELETE", "HEAD", "OPTIONS"}) {
        request.method = method;
        EXPECT_TRUE(std::holds_alternative<MethodRefused>(judge(request, *server))) << method;
    }
    request.method = "GET";
    request.eio = "3";
    EXPECT_EQ(refused(request), Refusal::bad_request);
    request.eio = "4";
    request.transport = "websocket";
    EXPECT_EQ(refused(request), Refusal::bad_request);
    request.upgrade = true;
    EXPECT_TRUE(std::holds_alternative<UpgradeSession>(judge(request, *server)));
    request.origin_allowed = false;
    EXPECT_EQ(refused(request), Refusal::forbidden) << "with a sid too";
    request.origin_allowed = true;
    FakeLink link;
    session.begin_upgrade(now(), link);
    EXPECT_TRUE(std::holds_alternative<CloseWebSocket>(judge(request, *server))) << "already being upgraded";
    text(session, link, "2probe");
    text(session, link, "5");
    EXPECT_TRUE(std::holds_alternative<CloseWebSocket>(judge(request, *server))) << "already upgraded";
    request.upgrade = false;
    request.transport = "polling";
    EXPECT_EQ(refused(request), Refusal::bad_request);
}

TEST_F(Requests, AWebSocketSessionCannotBeTakenOver) {
    FakeLink link;
    const std::string sid{open_websocket(link).sid()};
    auto request = handshake();
    request.transport = "websocket";
    request.upgrade = true;
    request.sid = sid;
    EXPECT_TRUE(std::holds_alternative<CloseWebSocket>(judge(request, *server)));
}

TEST_F(Requests, QueriesAreReadAsURLSearchParams) {
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(parse_query("EIO=4&t=a%2Bb+c&&x&y=&%7a=1=2"),
              (Pairs{{"EIO", "4"}, {"t", "a+b c"}, {"x", ""}, {"y", ""}, {"z", "1=2"}}));
    EXPECT_EQ(parse_query("a=%zz%4"), (Pairs{{"a", "%zz%4"}}));
    EXPECT_TRUE(parse_query("").empty());
}

}  // namespace
}  // namespace carillon::socketio
