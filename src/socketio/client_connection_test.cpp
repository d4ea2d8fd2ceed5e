#include "socketio/client_connection.hpp"

#include "socketio/server_fixture.hpp"

namespace carillon::socketio {
namespace {

class Namespaces : public ServerFixture {};

TEST_F(Namespaces, AreJoinedOnOneConnection) {
    FakeLink link;
    auto& session = joined(link);
    for (const std::string_view connect : {"40/ws", "40/ws,"}) {
        text(session, link, connect);
        EXPECT_EQ(link.take(), std::vector<std::string>{"40/ws,{\"sid\":\"" + sockets.back()->id() + "\"}"});
        text(session, link, "42/ws,1[\"hi\"]");
        acks.back()({"true"});
        flush();
        EXPECT_EQ(link.take(), std::vector<std::string>{"43/ws,1[true]"});
        text(session, link, "41/ws,");
        EXPECT_TRUE(link.take().empty());
    }
    EXPECT_EQ(disconnects, (std::vector<std::string>{"client namespace disconnect", "client namespace disconnect"}));
    EXPECT_TRUE(session.open());
}

TEST_F(Namespaces, UnknownOnesAreRefusedAndTheConnectionStays) {
    FakeLink link;
    auto& session = open_websocket(link);
    for (const std::string nsp : {"/nope", "/ws?a=1", "//", "/__proto__"}) {
        text(session, link, "40" + nsp + ",");
        EXPECT_EQ(link.take(), std::vector<std::string>{"44" + nsp + ",{\"message\":\"Invalid namespace\"}"});
    }
    text(session, link, "40");
    EXPECT_EQ(sockets.size(), 1U);
}

struct Violation {
    std::string_view name;
    bool join;
    std::vector<std::string_view> packets;
    std::string_view reason;
};

class Violations : public ServerFixture, public ::testing::WithParamInterface<Violation> {};

TEST_P(Violations, CloseTheWholeConnection) {
    FakeLink link;
    auto& session = GetParam().join ? joined(link) : open_websocket(link);
    for (const auto packet : GetParam().packets) text(session, link, packet);
    EXPECT_TRUE(link.closed);
    EXPECT_EQ(observer.ended, std::vector<std::string>{std::string{GetParam().reason}});
    EXPECT_TRUE(events.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Namespaces, Violations,
    ::testing::Values(
        Violation{"SecondConnect", true, {"40"}, "forced server close"},
        Violation{"EventBeforeConnect", false, {"42[\"a\"]"}, "forced server close"},
        Violation{"AckBeforeConnect", false, {"431[1]"}, "forced server close"},
        Violation{"AttachmentsBeforeConnect",
                  false,
                  {"451-[\"a\",{\"_placeholder\":true,\"num\":0}]"},
                  "forced server close"},
        Violation{
            "AttachmentsElsewhere", true, {"451-/ws,[\"a\",{\"_placeholder\":true,\"num\":0}]"}, "forced server close"},
        Violation{"EventElsewhere", true, {"42/ws,[\"a\"]"}, "forced server close"},
        Violation{"DisconnectElsewhere", true, {"41/ws,"}, "forced server close"},
        Violation{"ConnectWithArray", false, {"40[]"}, "forced close"},
        Violation{"ConnectWithText", false, {"40\"x\""}, "forced close"},
        Violation{"ConnectError", true, {"44{\"message\":\"x\"}"}, "forced close"},
        Violation{"DisconnectWithPayload", true, {"41{}"}, "forced close"},
        Violation{"ReservedName", true, {"42[\"disconnecting\"]"}, "forced close"},
        Violation{"EmptyArray", true, {"42[]"}, "forced close"}, Violation{"NoPayload", true, {"42"}, "forced close"},
        Violation{"AckNoPayload", true, {"431"}, "forced close"},
        Violation{"TrailingGarbage", true, {"42[\"a\"]x"}, "forced close"},
        Violation{"NoAttachments", true, {"450-[\"a\"]"}, "forced close"},
        Violation{"ElevenAttachments", true, {"4511-[\"a\"]"}, "forced close"},
        Violation{"BadPlaceholder", true, {"451-[\"a\",{\"_placeholder\":true,\"num\":1}]"}, "forced close"},
        Violation{"TextBetweenAttachments",
                  true,
                  {"451-[\"a\",{\"_placeholder\":true,\"num\":0}]", "42[\"b\"]"},
                  "forced close"}),
    [](const auto& test) { return std::string{test.param.name}; });

TEST_F(Namespaces, UnknownAcksAreIgnored) {
    FakeLink link;
    auto& session = joined(link);
    text(session, link, "43123[1]");
    text(session, link, "43[1]");
    EXPECT_TRUE(session.open());
}

TEST_F(Namespaces, AckIdsComeBackAsTheyWere) {
    FakeLink link;
    auto& session = joined(link);
    text(session, link, "429007199254740991[\"a\"]");
    acks.at(0)({"{\"ok\":true}"});
    acks.at(0)({"2"});
    Ack copy = acks.at(0);
    copy({"3"});
    text(session, link, "42007[\"a\"]");
    acks.at(1)({});
    flush();
    EXPECT_EQ(link.take(), (std::vector<std::string>{"439007199254740991[{\"ok\":true}]", "43007[]"}));
}

TEST_F(Namespaces, AnAckAfterTheEndDoesNothing) {
    FakeLink link;
    auto& session = joined(link);
    text(session, link, "421[\"a\"]");
    session.link_lost(link, false);
    flush();
    acks.at(0)({"1"});
    sockets.at(0)->emit(EncodedEvent::make("a", {}));
    sockets.at(0)->join("room");
    sockets.at(0)->disconnect(true);
    sockets.at(0)->close_transport("x");
    flush();
    EXPECT_FALSE(sockets.at(0)->connected());
    EXPECT_EQ(disconnects.size(), 1U);
}

class ServerAcks : public ServerFixture {
 protected:
    bool ask(std::string_view name, ms timeout = ms{1'000}) {
        return sockets.at(0)->emit_with_ack(EncodedEvent::make(name, {"1"}), timeout, [this](const ReceivedAck* ack) {
            std::string text = ack == nullptr ? "none" : "";
            if (ack != nullptr) {
                for (const auto argument : ack->arguments_json) text += std::string{argument} + " ";
                for (const auto& attachment : ack->attachments) text += "<" + attachment + ">";
            }
            answers.push_back(text);
            if (on_answer) on_answer();
        });
    }

    std::vector<std::string> answers;
    std::function<void()> on_answer;
};

TEST_F(ServerAcks, AreCountedFromZeroAndAnsweredOnce) {
    FakeLink link;
    auto& session = joined(link);
    EXPECT_TRUE(ask("a"));
    EXPECT_TRUE(ask("b"));
    flush();
    EXPECT_EQ(link.take(), (std::vector<std::string>{"420[\"a\",1]", "421[\"b\",1]"}));
    text(session, link, "431[true,{\"x\":1}]");
    text(session, link, "431[true]");
    text(session, link, "430[]");
    text(session, link, "432[1]");
    text(session, link, "434294967296[1]");
    EXPECT_EQ(answers, (std::vector<std::string>{"true {\"x\":1} ", ""}));
    EXPECT_TRUE(session.open());
    advance(ms{2'000});
    EXPECT_EQ(answers.size(), 2U);
}

TEST_F(ServerAcks, TakeBinaryAnswersAndAskWithBinary) {
    FakeLink link;
    auto& session = joined(link);
    sockets.at(0)->emit_with_ack(EncodedEvent::make("up", {"{\"_placeholder\":true,\"num\":0}"}, {"\x01"}), ms{1'000},
                                 [this](const ReceivedAck* ack) { answers.push_back(ack->attachments.at(0)); });
    flush();
    EXPECT_EQ(link.take(), (std::vector<std::string>{"451-0[\"up\",{\"_placeholder\":true,\"num\":0}]", "<\x01>"}));
    text(session, link, "461-0[{\"_placeholder\":true,\"num\":0}]");
    EXPECT_TRUE(answers.empty());
    binary(session, link, "\x02");
    EXPECT_EQ(answers, std::vector<std::string>{"\x02"});
}

TEST_F(ServerAcks, AreGivenUpInTime) {
    FakeLink link;
    joined(link);
    ask("a", ms{1'000});
    ask("b", ms{500});
    on_answer = [this] {
        on_answer = nullptr;
        ask("c", ms{100});
    };
    advance(ms{499});
    EXPECT_TRUE(answers.empty());
    advance(ms{1});
    EXPECT_EQ(answers.size(), 1U);
    advance(ms{100});
    EXPECT_EQ(answers.size(), 2U);
    advance(ms{400});
    EXPECT_EQ(answers, (std::vector<std::string>{"none", "none", "none"}));
}

TEST_F(ServerAcks, AreGivenUpWhenTheSocketGoes) {
    FakeLink link;
    auto& session = joined(link);
    ask("a");
    ask("b");
    on_answer = [this] { EXPECT_FALSE(ask("too late")); };
    session.link_lost(link, false);
    flush();
    EXPECT_EQ(answers, (std::vector<std::string>{"none", "none"}));
    EXPECT_EQ(disconnects.size(), 1U);
}

TEST_F(ServerAcks, AreBounded) {
    FakeLink link;
    auto& session = joined(link);
    for (std::size_t i = 0; i < kPendingAcksMax; ++i) EXPECT_TRUE(ask("a"));
    EXPECT_FALSE(ask("one too many"));
    flush();
    EXPECT_EQ(link.take().size(), kPendingAcksMax);
    text(session, link, "4342[]");
    EXPECT_TRUE(ask("again"));
    flush();
    EXPECT_EQ(link.take(), std::vector<std::string>{"42100[\"again\",1]"});
    server.reset();
    EXPECT_EQ(answers.size(), 1U) << "nobody is told when the server is destroyed";
}

TEST_F(ServerAcks, AHandlerMayEndItsSocket) {
    FakeLink link;
    auto& session = joined(link);
    ask("a");
    on_answer = [this] { sockets.at(0)->disconnect(true); };
    flush();
    text(session, link, "430[]");
    EXPECT_TRUE(link.closed);
    EXPECT_EQ(answers.size(), 1U);
}

TEST_F(Namespaces, PacketsThatCrossADisconnectAreDroppedForAWhile) {
    FakeLink link;
    auto& session = joined(link);
    text(session, link, "40/ws");
    link.take();
    sockets.at(1)->disconnect(false);
    text(session, link, "42/ws,[\"late\"]");
    EXPECT_EQ(link.take(), std::vector<std::string>{"41/ws,"});
    text(session, link, "451-/ws,[\"late\",{\"_placeholder\":true,\"num\":0}]");
    binary(session, link, "x");
    text(session, link, "41/ws,");
    EXPECT_TRUE(session.open());
    EXPECT_TRUE(events.empty());
    EXPECT_EQ(disconnects, std::vector<std::string>{"server namespace disconnect"});
    advance(ms{24'000});
    text(session, link, "42/ws,[\"late\"]");
    EXPECT_TRUE(session.open());
    advance(ms{7'000});
    text(session, link, "42/ws,[\"too late\"]");
    EXPECT_TRUE(link.closed);
}

TEST_F(Namespaces, DisconnectWithTransportLeavesAllAndCloses) {
    FakeLink link;
    auto& session = joined(link);
    text(session, link, "40/ws");
    link.take();
    sockets.at(0)->disconnect(true);
    flush();
    EXPECT_EQ(link.take(), (std::vector<std::string>{"41", "41/ws,"})) << "in the order in which they were joined";
    EXPECT_TRUE(link.closed);
    EXPECT_EQ(disconnects.size(), 2U);
    EXPECT_EQ(server->sessions(), 0U);
}

TEST_F(Namespaces, TheHandlerMayDisconnectItsOwnSocket) {
    on_event = [](Socket& socket, const ReceivedEvent&, Ack) { socket.disconnect(true); };
    FakeLink link;
    auto& session = joined(link);
    std::weak_ptr<Socket> watch = sockets.at(0);
    sockets.clear();
    text(session, link, "42[\"bye\"]");
    EXPECT_TRUE(link.closed);
    EXPECT_TRUE(watch.expired()) << "nothing may hold a socket that is gone";
}

TEST_F(Namespaces, EachEventHasItsHandlerAndOneSeesAll) {
    FakeLink link;
    auto& session = joined(link);
    std::vector<std::string> seen;
    const auto note = [&seen](const std::string& what) {
        return [&seen, what](const ReceivedEvent& event, Ack ack) {
            seen.push_back(what + " " + describe(event));
            if (ack) ack({"\"" + what + "\""});
        };
    };
    Socket& socket = *sockets.at(0);
    socket.on_any(note("any"));
    socket.on("a", note("first"));
    socket.on("a", note("a"));
    socket.on("", note("nameless"));
    socket.on("once", [&](const ReceivedEvent&, const Ack&) { socket.on("once", note("replaced itself")); });
    for (const char* const packet : {"42[\"a\",1]", "42[\"\"]", "42[\"b\"]", "42[\"once\"]", "42[\"once\"]"}) {
        text(session, link, packet);
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"any a 1", "a a 1", "any ", "nameless ", "any b", "any once", "any once",
                                              "replaced itself once"}));
    link.take();
    text(session, link, "427[\"a\"]");
    EXPECT_EQ(link.take(), std::vector<std::string>{"437[\"any\"]"}) << "the first answer is the answer";
}

TEST_F(Namespaces, NoOtherHandlerRunsOnceOneHasEndedTheSocket) {
    FakeLink link;
    auto& session = joined(link);
    Socket& socket = *sockets.at(0);
    bool ran = false;
    socket.on_any([&](const ReceivedEvent&, const Ack&) { socket.disconnect(false); });
    socket.on("a", [&](const ReceivedEvent&, const Ack&) { ran = true; });
    text(session, link, "42[\"a\"]");
    EXPECT_FALSE(ran);
}

TEST_F(Namespaces, AHandlerThatThrowsCostsItsOwnClientTheConnection) {
    on_event = [](Socket&, const ReceivedEvent&, Ack) { throw std::runtime_error{"expected by the test"}; };
    FakeLink link;
    FakeLink other;
    joined(other);
    text(joined(link), link, "42[\"a\"]");
    EXPECT_TRUE(link.closed);
    EXPECT_FALSE(other.closed);
}

TEST_F(Namespaces, RoomsReachTheirMembersOnce) {
    FakeLink links[3];
    for (auto& link : links) joined(link);
    sockets.at(0)->join("r");
    sockets.at(0)->join("r");
    sockets.at(1)->join("r");
    sockets.at(2)->join("r");
    sockets.at(0)->leave("r");
    server->of("/").to("r").emit(EncodedEvent::make("x", {"1"}));
    server->of("/").to(sockets.at(0)->id()).emit(EncodedEvent::make("own", {}));
    server->of("/").to("nobody").emit(EncodedEvent::make("never", {}));
    server->of("/ws").to("r").emit(EncodedEvent::make("never", {}));
    server->of("/").emit(EncodedEvent::make("all", {}));
    flush();
    EXPECT_EQ(links[0].take(), (std::vector<std::string>{"42[\"own\"]", "42[\"all\"]"}));
    EXPECT_EQ(links[1].take(), (std::vector<std::string>{"42[\"x\",1]", "42[\"all\"]"}));
    EXPECT_EQ(links[2].take(), (std::vector<std::string>{"42[\"x\",1]", "42[\"all\"]"}));
    sockets.at(1)->close_transport("x");
    flush();
    server->of("/").to("r").emit(EncodedEvent::make("y", {}));
    flush();
    EXPECT_EQ(links[2].take(), std::vector<std::string>{"42[\"y\"]"});
    EXPECT_EQ(server->of("/").size(), 2U);
}

class MiddlewareTest : public ServerFixture {
 protected:
    void SetUp() override {
        ServerFixture::SetUp();
        server->of("/").use([this](const SocketPtr& socket, Next next) {
            ++runs;
            pending = socket;
            decide = next;
        });
    }

    int runs = 0;
    SocketPtr pending;
    Next decide;
};

TEST_F(MiddlewareTest, AdmitsLater) {
    FakeLink link;
    auto& session = open_websocket(link);
    text(session, link, "40{\"token\":\"t\"}");
    EXPECT_TRUE(link.take().empty());
    EXPECT_FALSE(pending->connected());
    EXPECT_EQ(pending->handshake().auth_json, "{\"token\":\"t\"}");
    pending->emit(EncodedEvent::make("early", {}));
    decide(std::nullopt);
    decide(ConnectError{"twice", {}});
    flush();
    EXPECT_EQ(link.take(), std::vector<std::string>{"40{\"sid\":\"" + pending->id() + "\"}"});
    EXPECT_EQ(sockets.at(0), pending);
    pending->release_handshake();
    EXPECT_EQ(pending->handshake().auth_json, "{}");
}

TEST_F(MiddlewareTest, RefusesWithMessageAndDataAndTheClientMayTryAgain) {
    FakeLink link;
    auto& session = open_websocket(link);
    text(session, link, "40");
    decide(ConnectError{"not \"you\"", "{\"code\":\"unauthorized\"}"});
    flush();
    EXPECT_EQ(link.take(), std::vector<std::string>{R"(44{"message":"not \"you\"","data":{"code":"unauthorized"}})"});
    text(session, link, "40");
    decide(ConnectError{"no", {}});
    flush();
    EXPECT_EQ(link.take(), std::vector<std::string>{"44{\"message\":\"no\"}"});
    EXPECT_EQ(runs, 2);
    EXPECT_TRUE(sockets.empty());
    EXPECT_TRUE(disconnects.empty());
    EXPECT_TRUE(session.open());
}

TEST_F(MiddlewareTest, ASecondConnectWhileOneIsPendingClosesTheConnection) {
    FakeLink link;
    auto& session = open_websocket(link);
    text(session, link, "40");
    text(session, link, "40");
    EXPECT_EQ(runs, 1);
    EXPECT_TRUE(link.closed);
    decide(std::nullopt);
    flush();
    EXPECT_TRUE(sockets.empty());
}

TEST_F(MiddlewareTest, AnEventBeforeTheVerdictClosesTheConnection) {
    FakeLink link;
    auto& session = open_websocket(link);
    text(session, link, "40");
    text(session, link, "42[\"early\"]");
    EXPECT_TRUE(link.closed);
    EXPECT_TRUE(events.empty());
}

TEST_F(MiddlewareTest, AVerdictAfterTheServerHasGoneDoesNothing) {
    FakeLink link;
    text(open_websocket(link), link, "40");
    server.reset();
    decide(std::nullopt);
    EXPECT_FALSE(pending->connected());
    EXPECT_EQ(pending->nsp(), "/");
}

class Deadlines : public ServerFixture {};

TEST_F(Deadlines, AHandshakeEndsOnceWithTheFirstNamespaceOrWithItsSession) {
    int ended = 0;
    server->on_handshake_end([&ended] { ++ended; });
    FakeLink link;
    auto& session = open_websocket(link);
    text(session, link, "40/nowhere,");
    EXPECT_EQ(ended, 0) << "refused";
    text(session, link, "40");
    EXPECT_EQ(ended, 1);
    text(session, link, "40/ws,");
    text(session, link, "41");
    text(session, link, "40");
    session.close("forced close");
    flush();
    EXPECT_EQ(ended, 1);
    FakeLink idle;
    open_websocket(idle);
    advance(make_config().connect_timeout);
    EXPECT_EQ(ended, 2) << "it has never joined";
}

TEST_F(Deadlines, WithoutSocketIoAHandshakeIsOverAtOnce) {
    int ended = 0;
    server->on_handshake_end([&ended] { ++ended; });
    server->on_engine_message([](EngineSession&, bool, std::string_view) {});
    open_polling().close("forced close");
    EXPECT_EQ(ended, 1);
}

TEST_F(Deadlines, AConnectionMustJoinInFortyFiveSeconds) {
    FakeLink link;
    auto& session = open_websocket(link);
    text(session, link, "40/nope,");
    advance(ms{25'000});
    text(session, link, "3");
    advance(ms{19'999});
    EXPECT_FALSE(link.closed);
    advance(ms{1});
    EXPECT_TRUE(link.closed);
    EXPECT_EQ(observer.ended, std::vector<std::string>{"connect timeout"});
}

TEST_F(Deadlines, TheConnectTimeoutBeginsAnewWhenTheLastNamespaceIsLeft) {
    FakeLink link;
    auto& session = joined(link);
    const auto live = [&](int seconds) {
        for (int i = 0; i < seconds; ++i) {
            advance(ms{1'000});
            if (!link.closed) text(session, link, "3");
        }
    };
    live(100);
    text(session, link, "41");
    live(44);
    EXPECT_FALSE(link.closed);
    live(1);
    EXPECT_TRUE(link.closed);
    EXPECT_EQ(disconnects, std::vector<std::string>{"client namespace disconnect"});
    EXPECT_EQ(observer.ended, std::vector<std::string>{"connect timeout"});
}

TEST_F(Deadlines, AttachmentsMustCome) {
    FakeLink link;
    auto& session = joined(link);
    text(session, link, "452-[\"a\",{\"_placeholder\":true,\"num\":0}]");
    advance(ms{25'000});
    text(session, link, "3");
    binary(session, link, "x");
    advance(ms{29'999});
    EXPECT_FALSE(link.closed);
    // The ping of the 50th second is answered late enough.
    advance(ms{1});
    EXPECT_TRUE(link.closed);
    EXPECT_EQ(observer.ended, std::vector<std::string>{"forced close"});
}

class SmallAttachments : public ServerFixture {
 protected:
    ServerConfig make_config() const override {
        ServerConfig config;
        config.attachment_bytes_max = 10;
        return config;
    }
};

TEST_F(SmallAttachments, AreBoundedTogether) {
    FakeLink link;
    auto& session = joined(link);
    text(session, link, "452-[\"a\",{\"_placeholder\":true,\"num\":0}]");
    binary(session, link, "123456");
    EXPECT_FALSE(link.closed);
    binary(session, link, "78901");
    EXPECT_TRUE(link.closed);
}

TEST_F(Namespaces, ObserversSeeEveryMessage) {
    FakeLink link;
    auto& session = joined(link);
    text(session, link, "42[\"a\"]");
    sockets.at(0)->emit(EncodedEvent::make("b", {}));
    advance(ms{25'000});
    EXPECT_EQ(observer.received, 2U);
    EXPECT_EQ(observer.sent, 2U) << "pings and the open packet are no messages";
    EXPECT_EQ(observer.active["websocket"], 1);
}

}  // namespace
}  // namespace carillon::socketio
