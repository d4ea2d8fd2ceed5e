#include "socketio/engine_session.hpp"

#include "socketio/server_fixture.hpp"

namespace carillon::socketio {
namespace {

class Polling : public ServerFixture {};
class WebSocket : public ServerFixture {};

TEST_F(Polling, OpensWithTheFiveKeysOfTheProtocol) {
    auto& session = open_polling();
    const std::string expected = "0{\"sid\":\"" + std::string{session.sid()} +
                                 "\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000,"
                                 "\"maxPayload\":1000000}";
    EXPECT_EQ(session.open_packet(), expected);
    EXPECT_EQ(server->find(std::string{session.sid()}), &session);
}

TEST_F(WebSocket, OpensWithoutUpgrades) {
    FakeLink link;
    auto& session = server->open_websocket(now(), Handshake{}, link);
    flush();
    ASSERT_EQ(link.sent.size(), 1U);
    EXPECT_EQ(link.sent[0],
              "0{\"sid\":\"" + std::string{session.sid()} +
                  "\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}");
}

TEST_F(Polling, HoldsAGetUntilThereIsSomething) {
    auto& session = open_polling();
    FakeHold hold;
    session.poll(now(), hold);
    flush();
    EXPECT_EQ(hold.answers, 0);
    EXPECT_EQ(session.post(now(), "40", false).status, 200);
    flush();
    EXPECT_EQ(hold.status, 200);
    EXPECT_EQ(hold.body, "40{\"sid\":\"" + sockets.at(0)->id() + "\"}");
    EXPECT_NE(sockets.at(0)->id(), session.sid());
}

TEST_F(Polling, AnswersWithAtMostSixteenPackets) {
    auto& session = open_polling();
    session.post(now(), "40", false);
    polled(session);
    for (int i = 0; i < 20; ++i) sockets.at(0)->emit(EncodedEvent::make("n", {std::to_string(i)}));
    const std::string first = polled(session);
    EXPECT_EQ(std::count(first.begin(), first.end(), '\x1e'), 15);
    EXPECT_TRUE(first.ends_with("42[\"n\",15]"));
    EXPECT_EQ(polled(session),
              "42[\"n\",16]\x1e"
              "42[\"n\",17]\x1e"
              "42[\"n\",18]\x1e"
              "42[\"n\",19]");
}

TEST_F(Polling, ASecondGetClosesTheSession) {
    auto& session = open_polling();
    const std::string sid{session.sid()};
    FakeHold first;
    FakeHold second;
    session.poll(now(), first);
    session.poll(now(), second);
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(first.body, "1");
    EXPECT_EQ(second.status, 400);
    EXPECT_EQ(server->find(sid), nullptr);
    EXPECT_EQ(observer.ended, std::vector<std::string>{"transport error"});
}

TEST_F(Polling, AnAbortedGetClosesTheSession) {
    auto& session = open_polling();
    session.post(now(), "40", false);
    polled(session);
    const std::string sid{session.sid()};
    FakeHold hold;
    session.poll(now(), hold);
    session.poll_lost(hold);
    EXPECT_EQ(server->find(sid), nullptr);
    EXPECT_EQ(disconnects, std::vector<std::string>{"transport error"});
    EXPECT_EQ(hold.answers, 0);
}

TEST_F(Polling, AClosePacketReleasesTheGetWithANoop) {
    auto& session = open_polling();
    session.post(now(), "40", false);
    polled(session);
    const std::string sid{session.sid()};
    FakeHold hold;
    session.poll(now(), hold);
    EXPECT_EQ(session
                  .post(now(),
                        "1\x1e"
                        "42[\"late\"]",
                        false)
                  .status,
              200);
    EXPECT_EQ(hold.body, "6");
    EXPECT_EQ(disconnects, std::vector<std::string>{"transport close"});
    EXPECT_TRUE(events.empty());
    EXPECT_EQ(server->find(sid), nullptr);
}

struct BadPost {
    std::string_view body;
    bool octet_stream;
    int status;
    std::string_view reason;
};

class BadPosts : public ServerFixture, public ::testing::WithParamInterface<BadPost> {};

TEST_P(BadPosts, CloseTheSession) {
    auto& session = open_polling();
    session.post(now(), "40", false);
    polled(session);
    FakeHold hold;
    session.poll(now(), hold);
    EXPECT_EQ(session.post(now(), GetParam().body, GetParam().octet_stream).status, GetParam().status);
    EXPECT_EQ(observer.ended, std::vector<std::string>{std::string{GetParam().reason}});
    flush();
    EXPECT_EQ(hold.body, "1");
}

INSTANTIATE_TEST_SUITE_P(
    Polling, BadPosts,
    ::testing::Values(BadPost{"", false, 400, "parse error"}, BadPost{"abc", false, 400, "parse error"},
                      BadPost{"6\x1e", false, 400, "parse error"}, BadPost{"\x1e", false, 400, "parse error"},
                      BadPost{"9", false, 400, "parse error"}, BadPost{"bA", false, 400, "parse error"},
                      BadPost{"b####", false, 400, "parse error"}, BadPost{"42[\"\xff\"]", false, 400, "parse error"},
                      BadPost{"42[\"x\"]", true, 400, "transport error"}, BadPost{"2", false, 200, "transport error"},
                      BadPost{"2probe", false, 200, "transport error"}, BadPost{"42[", false, 200, "forced close"},
                      BadPost{"bAQID", false, 200, "forced close"}));

TEST_F(Polling, StopsAtTheFirstBadPacket) {
    auto& session = open_polling();
    session.post(now(), "40", false);
    EXPECT_EQ(session
                  .post(now(),
                        "42[\"one\"]\x1ex\x1e"
                        "42[\"two\"]",
                        false)
                  .status,
              400);
    EXPECT_EQ(events, std::vector<std::string>{"one"});
}

TEST_F(Polling, IgnoresPacketsOutOfPlace) {
    auto& session = open_polling();
    EXPECT_EQ(session
                  .post(now(),
                        "0\x1e"
                        "3\x1e"
                        "5\x1e"
                        "6",
                        false)
                  .status,
              200);
    EXPECT_TRUE(session.open());
}

TEST_F(Polling, AServerSideCloseWaitsForAGetAndThenGivesUp) {
    auto& session = open_polling();
    const std::string sid{session.sid()};
    session.close("tests");
    EXPECT_EQ(observer.ended, std::vector<std::string>{"tests"});
    flush();
    ASSERT_NE(server->find(sid), nullptr);
    EXPECT_EQ(session.post(now(), "42[\"x\"]", false).status, 200);
    EXPECT_EQ(polled(session), "1");
    EXPECT_EQ(server->find(sid), nullptr);

    auto& abandoned = open_polling();
    const std::string other{abandoned.sid()};
    abandoned.close("tests");
    advance(ms{29'999});
    EXPECT_NE(server->find(other), nullptr);
    advance(ms{2});
    EXPECT_EQ(server->find(other), nullptr);
}

TEST_F(Polling, WhatWasQueuedGoesOutBeforeTheClose) {
    auto& session = open_polling();
    session.post(now(), "40", false);
    polled(session);
    sockets.at(0)->emit(EncodedEvent::make("last", {}));
    sockets.at(0)->close_transport("tests");
    EXPECT_EQ(polled(session),
              "42[\"last\"]\x1e"
              "1");
    EXPECT_EQ(disconnects, std::vector<std::string>{"tests"});
}

TEST_F(Polling, BinaryTravelsAsBase64) {
    auto& session = open_polling();
    session.post(now(), "40", false);
    polled(session);
    session.post(now(),
                 "451-[\"up\",{\"_placeholder\":true,\"num\":0}]\x1e"
                 "bAQID",
                 false);
    EXPECT_EQ(events, std::vector<std::string>{"up {\"_placeholder\":true,\"num\":0} <\x01\x02\x03>"});
    sockets.at(0)->emit(EncodedEvent::make("down", {"{\"_placeholder\":true,\"num\":0}"}, {"\x01\x02\x03"}));
    EXPECT_EQ(polled(session),
              "451-[\"down\",{\"_placeholder\":true,\"num\":0}]\x1e"
              "bAQID");
}

TEST_F(Polling, AttachmentsFollowTheirHeaderThoughOthersEmit) {
    auto& session = open_polling();
    session.post(now(),
                 "40\x1e"
                 "40/ws",
                 false);
    polled(session);
    const auto binary = EncodedEvent::make(
        "b", {"{\"_placeholder\":true,\"num\":0}", "{\"_placeholder\":true,\"num\":1}"}, {"\x01", "\x02"});
    sockets.at(0)->emit(EncodedEvent::make("first", {}));
    std::string expected = "42[\"first\"]\x1e";
    for (int i = 0; i < 6; ++i) {
        sockets.at(0)->emit(EncodedEvent::make("n", {std::to_string(i)}));
        server->of("/ws").emit(binary);
        expected += "42[\"n\"," + std::to_string(i) +
                    "]\x1e"
                    "452-/ws,[\"b\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]\x1e"
                    "bAQ==\x1e"
                    "bAg==\x1e";
    }
    // The first answer ends between the attachments of the fourth event; the next goes on with the other one.
    const std::string first = polled(session);
    EXPECT_TRUE(first.ends_with("bAQ=="));
    EXPECT_EQ(first + "\x1e" + polled(session) + "\x1e", expected);
}

struct WebSocketInput {
    std::string_view name;
    std::string_view packet;
    std::string_view reason;  ///< empty: the session stays open
};

class WebSocketInputs : public ServerFixture, public ::testing::WithParamInterface<WebSocketInput> {};

TEST_P(WebSocketInputs, EndsWithTheReferencesReason) {
    FakeLink link;
    auto& session = joined(link);
    text(session, link, GetParam().packet);
    if (GetParam().reason.empty()) {
        EXPECT_TRUE(observer.ended.empty());
        EXPECT_FALSE(link.closed);
    } else {
        EXPECT_EQ(disconnects, std::vector<std::string>{std::string{GetParam().reason}});
        EXPECT_TRUE(link.closed);
    }
}

INSTANTIATE_TEST_SUITE_P(
    WebSocket, WebSocketInputs,
    ::testing::Values(WebSocketInput{"Empty", "", "parse error"}, WebSocketInput{"UnknownType", "7", "parse error"},
                      WebSocketInput{"Letter", "x", "parse error"}, WebSocketInput{"Close", "1", "transport close"},
                      WebSocketInput{"Ping", "2", "transport error"},
                      WebSocketInput{"Probe", "2probe", "transport error"}, WebSocketInput{"Open", "0", ""},
                      WebSocketInput{"Pong", "3", ""}, WebSocketInput{"Upgrade", "5", ""},
                      WebSocketInput{"Noop", "6", ""}, WebSocketInput{"BadBase64", "b#", "parse error"},
                      WebSocketInput{"UnaskedBinary", "bAQID", "forced close"}),
    [](const auto& test) { return std::string{test.param.name}; });

TEST_F(WebSocket, AcceptsBase64InAText) {
    FakeLink link;
    auto& session = joined(link);
    text(session, link, "451-7[\"e\",{\"_placeholder\":true,\"num\":0}]");
    text(session, link, "bAQID");
    EXPECT_EQ(events, std::vector<std::string>{"e {\"_placeholder\":true,\"num\":0} <\x01\x02\x03>"});
}

TEST_F(WebSocket, ALostConnectionEndsTheSession) {
    FakeLink closed;
    FakeLink broken;
    joined(closed).link_lost(closed, false);
    joined(broken).link_lost(broken, true);
    EXPECT_EQ(disconnects, (std::vector<std::string>{"transport close", "transport error"}));
    EXPECT_EQ(server->sessions(), 0U);
}

TEST_F(WebSocket, OneTurnIsOneWrite) {
    FakeLink link;
    joined(link);
    const int before = link.writes;
    for (int i = 0; i < 5; ++i) sockets.at(0)->emit(EncodedEvent::make("n", {std::to_string(i)}));
    EXPECT_EQ(link.writes, before);
    flush();
    EXPECT_EQ(link.writes, before + 1);
    EXPECT_EQ(link.sent.size(), 5U);
}

TEST_F(WebSocket, WaitsForABusyConnection) {
    FakeLink link;
    auto& session = joined(link);
    link.busy = true;
    sockets.at(0)->emit(EncodedEvent::make("a", {}));
    flush();
    sockets.at(0)->emit(EncodedEvent::make("b", {}));
    flush();
    EXPECT_EQ(link.take(), std::vector<std::string>{"42[\"a\"]"});
    EXPECT_EQ(sockets.at(0)->queued_bytes(), 14U);
    EXPECT_EQ(server->queued_bytes(), 14U);
    link.busy = false;
    link.behind = 0;
    session.link_writable(link);
    flush();
    EXPECT_EQ(link.take(), std::vector<std::string>{"42[\"b\"]"});
    EXPECT_EQ(server->queued_bytes(), 0U);
}

class Bounded : public ServerFixture {
 protected:
    ServerConfig make_config() const override {
        ServerConfig config;
        config.queue_packets_max = 3;
        config.queue_bytes_max = 1'000;
        return config;
    }
};

TEST_F(Bounded, TooManyPacketsCloseTheSlowConsumer) {
    auto& session = open_polling();
    session.post(now(), "40", false);
    polled(session);
    for (int i = 0; i < 3; ++i) sockets.at(0)->emit(EncodedEvent::make("n", {}));
    flush();
    EXPECT_TRUE(session.open());
    sockets.at(0)->emit(EncodedEvent::make("n", {}));
    EXPECT_TRUE(disconnects.empty()) << "emit must not call back";
    flush();
    EXPECT_EQ(disconnects, std::vector<std::string>{"slow consumer"});
    EXPECT_EQ(polled(session), "1");
    EXPECT_EQ(server->queued_bytes(), 0U);
}

TEST_F(Bounded, TooManyBytesCloseTheSlowConsumerThoughTheLinkHoldsThem) {
    FakeLink link;
    joined(link);
    link.busy = true;
    const std::string big = "\"" + std::string(700, 'x') + "\"";
    sockets.at(0)->emit(EncodedEvent::make("n", {big}));
    flush();
    EXPECT_TRUE(disconnects.empty());
    sockets.at(0)->emit(EncodedEvent::make("n", {big}));
    flush();
    EXPECT_EQ(disconnects, std::vector<std::string>{"slow consumer"});
    EXPECT_TRUE(link.closed);
    EXPECT_EQ(server->queued_bytes(), 0U);
}

TEST_F(Polling, CloseAllEndsEverythingWithoutADisconnectPacket) {
    FakeLink link;
    joined(link);
    auto& session = open_polling();
    FakeHold hold;
    session.poll(now(), hold);
    server->close_all("server shutting down");
    flush();
    EXPECT_TRUE(link.closed);
    EXPECT_TRUE(link.sent.empty());
    EXPECT_EQ(hold.body, "1");
    EXPECT_EQ(disconnects, std::vector<std::string>{"server shutting down"});
    EXPECT_EQ(server->sessions(), 0U);
    EXPECT_EQ(observer.active["polling"] + observer.active["websocket"], 0);
}

TEST_F(WebSocket, CanBeUsedWithoutSocketIo) {
    server->on_engine_message([](EngineSession& session, bool is_binary, std::string_view data) {
        session.send(OutPacket{SharedText{(is_binary ? "" : "4") + std::string{data}}, nullptr, is_binary, 1});
    });
    FakeLink link;
    auto& session = open_websocket(link);
    text(session, link, "4hello");
    text(session, link, "4");
    binary(session, link, "\x01\x02");
    EXPECT_EQ(link.take(), (std::vector<std::string>{"4hello", "4", "<\x01\x02>"}));
    advance(ms{25'000});
    text(session, link, "3");
    advance(ms{24'000});
    EXPECT_TRUE(session.open());
}

TEST_F(Polling, SessionIdsAreSecretAndNameTheirShard) {
    auto& one = open_polling();
    auto& two = open_polling();
    EXPECT_NE(one.sid(), two.sid());
    ServerConfig config;
    config.shard = 4095;
    config.sids = std::make_shared<const SidCodec>("node-one", "a key");
    Server other{config};
    const auto owner = config.sids->owner_of(other.open_polling(now(), Handshake{}).sid());
    ASSERT_TRUE(owner);
    EXPECT_EQ(owner->node, "node-one");
    EXPECT_EQ(owner->shard, 4095);
}

}  // namespace
}  // namespace carillon::socketio
