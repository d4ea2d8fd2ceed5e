#include "http/engine_endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "base/testing/fake_clock.hpp"
#include "http/testing/engine_probe.hpp"

namespace carillon::http {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class EngineEndpoints : public ::testing::Test {
 protected:
    Shard& serve(EngineEndpointConfig config = {}, socketio::ServerConfig server = {},
                 const base::Clock& clock = base::system_clock()) {
        shard_ = std::make_unique<Shard>(std::move(config), server, clock);
        shard_->start();
        return *shard_;
    }

    base::FakeClock fake_clock_;  // outlives the shard, which asks it to its end
    std::unique_ptr<Shard> shard_;
};

TEST_F(EngineEndpoints, ServePolling) {
    auto& shard = serve();
    const auto opened = shard.ask(get(kPolling));
    EXPECT_THAT(opened, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Type: text/plain; charset=UTF-8"),
                              HasSubstr("cache-control: no-store"), HasSubstr("\"upgrades\":[\"websocket\"]")));
    const auto target = with_sid(sid_of(opened));
    auto waiting = shard.probe.connect();
    waiting.send(get(target));
    const auto posted = shard.ask(post(target, "40"));
    EXPECT_THAT(posted,
                AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Type: text/html"), EndsWith("\r\n\r\nok")));
    EXPECT_THAT(waiting.read_response(), HasSubstr("\r\n\r\n40{\"sid\":\""));
    EXPECT_THAT(shard.ask(post(target, "42[\"a\",1]")), EndsWith("ok"));
    EXPECT_THAT(shard.ask(get(target)), EndsWith("\r\n\r\n42[\"a\",1]"));
}

TEST_F(EngineEndpoints, ShowTheHandshakeToTheApplication) {
    auto& shard = serve();
    std::vector<socketio::Handshake> shown;
    shard.between_turns([&] {
        shard.server.of("/").use([&shown](const socketio::SocketPtr& socket, const socketio::Next& next) {
            shown.push_back(socket->handshake());
            next(std::nullopt);
        });
    });
    const std::string fields = "Origin: https://app.example\r\nAuthorization: Bearer jwt\r\n";
    const std::string query = "&room=a+b%21&room=last&__proto__=x";
    const auto opened = shard.ask(get(std::string{kPolling} + query, fields));
    EXPECT_THAT(shard.ask(post(with_sid(sid_of(opened)), "40{\"token\":\"jwt\"}")), EndsWith("ok"));
    auto client = shard.probe.connect();
    client.send(get("/socket.io/?EIO=4&transport=websocket" + query,
                    fields + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") +
                frame(0x81, "40{\"token\":\"jwt\"}"));
    client.read_until("40{\"sid\"");
    ASSERT_EQ(shown.size(), 2U);
    for (const auto& handshake : shown) {
        EXPECT_EQ(handshake.remote_address, "127.0.0.1");
        EXPECT_EQ(handshake.origin, "https://app.example");
        EXPECT_EQ(handshake.authorization, "Bearer jwt");
        EXPECT_EQ(handshake.query.at("room"), "last");
        EXPECT_EQ(handshake.query.at("__proto__"), "x");
        EXPECT_EQ(handshake.auth_json, "{\"token\":\"jwt\"}");
    }
}

TEST_F(EngineEndpoints, RefuseInTheReferencesWords) {
    auto& shard = serve();
    const auto sid = shard.open();
    const std::pair<std::string, std::string> table[] = {
        {get("/socket.io/?EIO=4"), R"({"code":0,"message":"Transport unknown"})"},
        {get(with_sid("abc")), R"({"code":1,"message":"Session ID unknown"})"},
        {post(kPolling, "40"), R"({"code":2,"message":"Bad handshake method"})"},
        {get("/socket.io/?EIO=4&transport=websocket"), R"({"code":3,"message":"Bad request"})"},
        {get("/socket.io/?EIO=4&transport=websocket&sid=" + sid), R"({"code":3,"message":"Bad request"})"},
        {get("/socket.io/?EIO=3&transport=polling"), R"({"code":5,"message":"Unsupported protocol version"})"},
    };
    for (const auto& [request, body] : table) {
        EXPECT_THAT(shard.ask(request),
                    AllOf(StartsWith("HTTP/1.1 400 Bad Request\r\n"), HasSubstr("Content-Type: application/json\r\n"),
                          EndsWith("\r\n\r\n" + body)));
    }
    EXPECT_THAT(shard.ask("PUT " + with_sid(sid) + " HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
    EXPECT_THAT(shard.ask(get("/socket.io?EIO=4&transport=polling")), StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(shard.ask(post(with_sid(sid), "x", "application/octet-stream")), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(shard.ask(get(with_sid(sid))), EndsWith(R"({"code":1,"message":"Session ID unknown"})"));
}

TEST_F(EngineEndpoints, ABodyOverTheLimitIs413AndTheSessionStays) {
    socketio::ServerConfig config;
    config.max_payload = 100;
    auto& shard = serve({}, config);
    const auto target = with_sid(shard.open());
    EXPECT_THAT(shard.ask(post(target, std::string(101, '4'))), StartsWith("HTTP/1.1 413 "));
    const auto head = "POST " + target + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    auto chunked = shard.probe.connect();
    chunked.send(head + "32\r\n" + std::string(50, '4'));
    EXPECT_FALSE(shard.open().empty());
    chunked.send("\r\n34\r\n" + std::string(52, '4'));
    EXPECT_THAT(chunked.read_response(), StartsWith("HTTP/1.1 413 "));
    EXPECT_THAT(shard.ask(post(target, "40")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(EngineEndpoints, AnAbortedPollEndsTheSession) {
    auto& shard = serve();
    const auto sid = shard.open();
    {
        auto client = shard.probe.connect();
        client.send(get(with_sid(sid)));
        EXPECT_THAT(shard.ask(post(with_sid(sid), "6")), EndsWith("ok"));
        client.close();
    }
    EXPECT_TRUE(shard.ended_with("transport error"));
}

TEST_F(EngineEndpoints, ABodyThatBreaksOffEndsTheSession) {
    auto& shard = serve();
    const auto target = with_sid(shard.open());
    const auto whole = post(target, "42[\"never\"]");
    auto client = shard.probe.connect();
    client.send(whole.substr(0, whole.size() - 3));
    EXPECT_FALSE(shard.open().empty());
    client.close();
    EXPECT_TRUE(shard.ended_with("transport error"));
    EXPECT_THAT(shard.ask(get(target)), EndsWith(R"({"code":1,"message":"Session ID unknown"})"));
}

TEST_F(EngineEndpoints, APostThatOvertakesAnotherIsRefusedAndEndsTheSession) {
    auto& shard = serve();
    const auto target = with_sid(shard.open());
    const auto whole = post(target, "42[\"slow\"]");
    auto slow = shard.probe.connect();
    slow.send(whole.substr(0, whole.size() - 3));
    EXPECT_FALSE(shard.open().empty());
    EXPECT_THAT(shard.ask(post(target, "40")), StartsWith("HTTP/1.1 400 "));
    EXPECT_TRUE(shard.ended_with("transport error"));
    slow.send(whole.substr(whole.size() - 3));
    EXPECT_THAT(slow.read_response(), StartsWith("HTTP/1.1 400 "));
}

TEST_F(EngineEndpoints, ServeWebSockets) {
    auto client = serve().probe.connect();
    client.send(upgrade() + frame(0x81, "40") + frame(0x81, "451-[\"a\",{\"_placeholder\":true,\"num\":0}]") +
                frame(0x82, "\x01\x02"));
    client.send(frame(0x89, "hi") + frame(0x81, "42[\"bye\"]"));
    client.send(frame(0x81, "42[\"kick\"]") + frame(0x88, ""));
    const auto got = client.read_until_closed();
    ASSERT_TRUE(got);
    EXPECT_THAT(*got, StartsWith("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
    EXPECT_THAT(*got, HasSubstr("\x81\x7c"
                                "0{\"sid\":\""));
    EXPECT_THAT(*got, HasSubstr("451-[\"a\",{\"_placeholder\":true,\"num\":0}]"
                                "\x82\x02\x01\x02"));
    EXPECT_THAT(*got, HasSubstr("\x8A\x02hi"));
    EXPECT_THAT(*got, EndsWith(std::string{"42[\"bye\"]"
                                           "\x81\x02"
                                           "41"
                                           "\x88\x00",
                                           15}));
}

TEST_F(EngineEndpoints, EndWebSocketsWithTheRightCode) {
    socketio::ServerConfig config;
    config.max_payload = 1'000;
    auto& shard = serve({}, config);
    const std::pair<std::string, std::string> table[] = {
        {frame(0x82, std::string(1'001, 'x')), "\x88\x02\x03\xf1"},
        {frame(0x81, "4\xff"), "\x88\x02\x03\xef"},
        {std::string{"\x81\x02", 2} + "40", "\x88\x02\x03\xea"},
        {frame(0x88,
               "\x03\xe8"
               "bye"),
         "\x88\x02\x03\xe8"},
        {frame(0x88, ""), std::string{"\x88\x00", 2}},
        {frame(0x81, ""), std::string{"\x88\x00", 2}},
        {frame(0x81, "42[\"unjoined\"]"), std::string{"\x88\x00", 2}},
    };
    for (const auto& [sent, close] : table) {
        auto client = shard.probe.connect();
        client.send(upgrade() + sent);
        client.finish_sending();
        const auto got = client.read_until_closed();
        ASSERT_TRUE(got);
        EXPECT_THAT(*got, EndsWith(close)) << ::testing::PrintToString(sent.substr(0, 10));
    }
}

TEST_F(EngineEndpoints, AnswerThePingsOfAReadInOneWrite) {
    auto client = serve().probe.connect();
    client.send(upgrade());
    client.read_until("}");
    const auto before = client.segments();
    std::string flood;
    for (int i = 0; i < 1'000; ++i) flood += frame(0x89, "");
    client.send(flood + frame(0x89, "last"));
    std::string pongs;
    for (int i = 0; i < 1'000; ++i) pongs += std::string{"\x8A\x00", 2};
    EXPECT_EQ(client.read_until("last"), pongs + "\x8A\x04last");
    EXPECT_LE(client.segments() - before, 4U);
}

TEST_F(EngineEndpoints, AnswerThePingsBeforeAGoodbyeAndNoneBehindIt) {
    auto client = serve().probe.connect();
    client.send(upgrade() + frame(0x89, "a") + frame(0x89, "b") + frame(0x88, "") + frame(0x89, "c"));
    const auto got = client.read_until_closed().value_or("still open");
    EXPECT_THAT(got, EndsWith(std::string{"}\x8A\x01"
                                          "a\x8A\x01"
                                          "b\x88\x00",
                                          9}));
}

TEST_F(EngineEndpoints, AnswerOnlyTheLastPingBehindWhatIsNotRead) {
    socketio::ServerConfig config;
    config.queue_bytes_max = 64'000'000;
    auto client = serve({}, config).probe.connect();
    client.send(upgrade() + frame(0x81, "40") + frame(0x81, "42[\"flood\"]"));
    client.read_until("[\"flood\"");  // the rest of it is more than the system's buffers hold
    std::string pings;
    for (int i = 0; i < 100; ++i) pings += frame(0x89, "ping");
    client.send(pings + frame(0x89, "last"));
    const auto got = client.read_until("\x8A\x04last");
    EXPECT_GT(got.size(), 9'000'000U);
    EXPECT_THAT(got, EndsWith("last"));
    EXPECT_EQ(got.find("ping"), std::string::npos);
}

TEST_F(EngineEndpoints, RefuseWebSocketsBeforeAccepting) {
    auto& shard = serve();
    const auto refusal = [&shard](const std::string& request) {
        auto client = shard.probe.connect();
        client.send(request);
        return client.read_until_closed().value_or("still open");
    };
    EXPECT_EQ(refusal(upgrade("zzz")),
              "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: 18\r\n\r\n"
              "Session ID unknown");
    EXPECT_THAT(refusal(get("/socket.io/?EIO=3&transport=websocket",
                            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")),
                AllOf(StartsWith("HTTP/1.1 400 "), EndsWith("Unsupported protocol version")));
    EXPECT_THAT(refusal(get("/socket.io/?EIO=4&transport=websocket",
                            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")),
                AllOf(StartsWith("HTTP/1.1 426 "), HasSubstr("Sec-WebSocket-Version: 13")));
}

TEST_F(EngineEndpoints, CloseASecondWebSocketOfASessionAtOnce) {
    auto& shard = serve();
    auto first = shard.probe.connect();
    first.send(upgrade());
    std::string sid = sid_of(first.read_until("}"));
    const auto second = [&] {
        auto client = shard.probe.connect();
        client.send(upgrade(sid) + frame(0x81, "2probe") + frame(0x81, "5") + frame(0x88, ""));
        return client.read_until_closed().value_or("still open");
    };
    EXPECT_THAT(second(), AllOf(StartsWith("HTTP/1.1 101 "), EndsWith(std::string{"\r\n\r\n\x88\x00", 6})));
    first.send(frame(0x81, "40") + frame(0x81, "42[\"mine\"]"));
    EXPECT_THAT(first.read_until("42[\"mine\"]"), EndsWith("42[\"mine\"]"));

    sid = shard.open();
    auto probing = shard.probe.connect();
    probing.send(upgrade(sid));
    EXPECT_THAT(probing.read_response(), StartsWith("HTTP/1.1 101 "));
    EXPECT_THAT(second(), EndsWith(std::string{"\r\n\r\n\x88\x00", 6}));
    probing.send(frame(0x81, "2probe"));
    EXPECT_THAT(probing.read_until("3probe"), EndsWith("3probe"));
}

TEST_F(EngineEndpoints, RefuseForeignOrigins) {
    EngineEndpointConfig config;
    config.origins = {"https://app.example"};
    auto& shard = serve(config);
    const auto sid = shard.open();
    const std::string foreign = "Origin: https://evil.example\r\n";
    EXPECT_THAT(shard.ask(get(kPolling, foreign)), StartsWith("HTTP/1.1 403 "));
    EXPECT_THAT(shard.ask(get(with_sid(sid), foreign)), StartsWith("HTTP/1.1 403 "));
    EXPECT_THAT(shard.ask(upgrade({}, foreign)), StartsWith("HTTP/1.1 403 "));
    EXPECT_THAT(shard.ask(upgrade(sid, foreign)), StartsWith("HTTP/1.1 403 "));
    EXPECT_THAT(shard.ask(get(kPolling, foreign)), EndsWith(R"({"code":4,"message":"Forbidden"})"));
    EXPECT_THAT(shard.ask(get(kPolling, "Origin: https://app.example\r\n")), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(shard.ask(get(kPolling, "Origin: http://a\r\n")), StartsWith("HTTP/1.1 200 ")) << "our own page";
    EXPECT_THAT(shard.ask(get(kPolling)), StartsWith("HTTP/1.1 200 ")) << "no browser";
}

TEST_F(EngineEndpoints, RefuseNewSessionsWhenFullOrDraining) {
    EngineEndpointConfig config;
    config.budget = std::make_shared<ConnectionBudget>(1);
    auto& shard = serve(config);
    const auto sid = shard.open();
    EXPECT_THAT(shard.ask(get(kPolling)), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 2\r\n")));
    EXPECT_THAT(shard.ask(upgrade()), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 2\r\n")));
    EXPECT_THAT(shard.ask(post(with_sid(sid), "1")), EndsWith("ok"));
    EXPECT_EQ(config.budget->taken(), 0U);
    const auto next = shard.open();
    EXPECT_FALSE(next.empty());
    shard.endpoint.drain();
    EXPECT_THAT(shard.ask(get(kPolling)), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: ")));
    EXPECT_THAT(shard.ask(post(with_sid(next), "40")), EndsWith("ok")) << "sessions go on";
}

// The clock has moved, and the timer has not fired yet: what is due is done before the request is looked at.
TEST_F(EngineEndpoints, DoWhatIsDueBeforeARequestIsHandled) {
    base::FakeClock& clock = fake_clock_;
    socketio::ServerConfig config;
    config.connect_timeout = 1h;
    auto& shard = serve({}, config, clock);
    const auto later = [&](std::chrono::milliseconds by) { shard.between_turns([&] { clock.advance(by); }); };
    const std::string unknown = R"({"code":1,"message":"Session ID unknown"})";

    const auto pinged = with_sid(shard.open());
    later(25'000ms);
    EXPECT_THAT(shard.ask(get(pinged)), EndsWith("\r\n\r\n2")) << "the ping that is due, not a GET that is held";
    later(19'999ms);
    EXPECT_THAT(shard.ask(post(pinged, "3")), EndsWith("ok"));
    later(25'000ms);
    EXPECT_THAT(shard.ask(get(pinged)), EndsWith("\r\n\r\n2")) << "counted from the pong";
    later(20'000ms);
    EXPECT_THAT(shard.ask(post(pinged, "3")), EndsWith(unknown)) << "the pong is too late";
    EXPECT_TRUE(shard.ended_with("ping timeout"));

    const auto sid = shard.open();
    later(45'000ms);
    EXPECT_THAT(shard.ask(get(with_sid(sid))), EndsWith("\r\n\r\n2")) << "one thing at a time: it has been pinged";
    later(20'000ms);
    EXPECT_THAT(shard.ask(upgrade(sid)), EndsWith("Session ID unknown"));
}

TEST_F(EngineEndpoints, DoNotWaitForeverForTheEndOfAConnection) {
    EngineEndpointConfig config;
    config.close_timeout = 20ms;
    auto client = serve(config).probe.connect();
    client.send(upgrade() + frame(0x81, "40") + frame(0x81, "42[\"kick\"]"));
    const auto got = client.read_until_closed();
    ASSERT_TRUE(got) << "the client never answered the close frame";
    EXPECT_THAT(*got, EndsWith(std::string{"\x88\x00", 2}));
}

TEST_F(EngineEndpoints, CloseAClientThatDoesNotRead) {
    EngineEndpointConfig config;
    config.close_timeout = 20ms;
    auto& shard = serve(config);
    auto client = shard.probe.connect();
    client.send(upgrade() + frame(0x81, "40") + frame(0x81, "42[\"flood\"]"));
    EXPECT_TRUE(shard.ended_with("slow consumer"));
    std::promise<void> empty;
    std::function<void()> look = [&] {
        if (shard.endpoint.websockets() == 0 && shard.server.queued_bytes() == 0) return empty.set_value();
        loop::post(shard.probe.loop.executor(), look);
    };
    loop::post(shard.probe.loop.executor(), look);
    EXPECT_EQ(empty.get_future().wait_for(5s), std::future_status::ready);
}

}  // namespace
}  // namespace carillon::http
