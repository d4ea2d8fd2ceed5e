// What the room does for connection state recovery: `pid`, offsets, ids that come back. What was missed is the
// application's.
#include "socketio/server_fixture.hpp"

namespace carillon::socketio {
namespace {

class Recovery : public ServerFixture {
 protected:
    void SetUp() override {
        ServerFixture::SetUp();
        for (const char* nsp : {"/", "/ws"}) {
            server->of(nsp).use([this](const SocketPtr& socket, const Next& next) {
                if (offsets) socket->send_offsets(first);
                if (!pid.empty()) socket->recover_as(pid, id);
                if (hold) {
                    held = next;
                } else {
                    next(std::nullopt);
                }
            });
        }
    }

    std::string connect(FakeLink& link, std::string_view packet = "40") {
        EngineSession& session = open_websocket(link);
        text(session, link, packet);
        const auto sent = link.take();
        return sent.empty() ? std::string{} : sent.front();
    }
    std::string emitted(Socket& socket, FakeLink& link, const EncodedEvent& event) {
        socket.emit(event);
        flush();
        const auto sent = link.take();
        return sent.empty() ? std::string{} : sent.front();
    }

    bool offsets = true;
    std::uint64_t first = 0;
    std::string pid = "P";
    std::string id;
    bool hold = false;
    Next held;
};

TEST_F(Recovery, ShowsThePidWithTheAnswer) {
    FakeLink link;
    const std::string answer = connect(link);
    EXPECT_EQ(answer, R"(40{"sid":")" + sockets.back()->id() + R"(","pid":"P"})");
    FakeLink other;
    const std::string elsewhere = connect(other, "40/ws,{}");
    EXPECT_EQ(elsewhere, R"(40/ws,{"sid":")" + sockets.back()->id() + R"(","pid":"P"})");
    pid.clear();
    FakeLink third;
    const std::string without = connect(third);
    EXPECT_EQ(without, R"(40{"sid":")" + sockets.back()->id() + R"("})");
}

TEST_F(Recovery, EveryEventWithoutAckEndsWithAValidOffset) {
    first = 7;
    FakeLink link;
    connect(link);
    Socket& socket = *sockets.back();
    EXPECT_EQ(emitted(socket, link, EncodedEvent::make("tick", {})), R"(42["tick","7"])");
    EXPECT_EQ(emitted(socket, link, EncodedEvent::make("word", {R"("last")"})), R"(42["word","last","7"])");
    EXPECT_EQ(emitted(socket, link, EncodedEvent::from_arrays(SharedText{R"(["n",{"a":1},"9"])"}, 1, 9)),
              R"(42["n",{"a":1},"9"])");
    EXPECT_EQ(emitted(socket, link, EncodedEvent::make("tick", {})), R"(42["tick","9"])");
    EXPECT_EQ(emitted(socket, link, EncodedEvent::make("b", {R"({"_placeholder":true,"num":0})"}, {"x"})),
              R"(451-["b",{"_placeholder":true,"num":0},"9"])");
    EXPECT_EQ(emitted(socket, link, EncodedEvent::make("n", {"1"}).with_offset(18'446'744'073'709'551'615U)),
              R"(42["n",1,"18446744073709551615"])");
}

TEST_F(Recovery, EventsThatGoTogetherHaveAnOffsetEach) {
    std::string arrays = R"(["n",1])";
    EncodedEvent::append_offset(arrays, 8);
    arrays += kPayloadSeparator + std::string{R"(["c",{"x":"y,\"5"}])"};
    EncodedEvent::append_offset(arrays, 9);
    const auto both = EncodedEvent::from_arrays(SharedText{arrays}, 2, 9);
    EXPECT_EQ(both.payload("/"),
              "42[\"n\",1,\"8\"]\x1e"
              "42[\"c\",{\"x\":\"y,\\\"5\"},\"9\"]");
    const auto plain = both.without_offset();
    EXPECT_EQ(plain.payload("/ws"),
              "42/ws,[\"n\",1]\x1e"
              "42/ws,[\"c\",{\"x\":\"y,\\\"5\"}]");
    EXPECT_EQ(plain.events(), 2U);
    EXPECT_EQ(plain.with_offset(3).payload("/"),
              "42[\"n\",1,\"3\"]\x1e"
              "42[\"c\",{\"x\":\"y,\\\"5\"},\"3\"]");
    FakeLink link;
    connect(link);
    EXPECT_EQ(emitted(*sockets.back(), link, both), R"(42["n",1,"8"])");
    EXPECT_EQ(emitted(*sockets.back(), link, EncodedEvent::make("tick", {})), R"(42["tick","9"])");
}

TEST_F(Recovery, EventsToManyAreGivenEachItsOffset) {
    FakeLink with;
    connect(with);
    first = 3;
    FakeLink other;
    connect(other);
    offsets = false;
    FakeLink without;
    connect(without);
    server->of("/").emit(EncodedEvent::make("tick", {}));
    flush();
    EXPECT_EQ(with.take(), std::vector<std::string>{R"(42["tick","0"])"});
    EXPECT_EQ(other.take(), std::vector<std::string>{R"(42["tick","3"])"});
    EXPECT_EQ(without.take(), std::vector<std::string>{R"(42["tick"])"});
    for (const auto& socket : sockets) socket->join("room");
    server->of("/").to("room").emit(EncodedEvent::make("n", {"1"}).with_offset(5));
    server->of("/").emit(EncodedEvent::make("tick", {}));
    flush();
    EXPECT_EQ(with.take(), (std::vector<std::string>{R"(42["n",1,"5"])", R"(42["tick","5"])"}));
    EXPECT_EQ(other.take(), (std::vector<std::string>{R"(42["n",1,"5"])", R"(42["tick","5"])"}));
    EXPECT_EQ(without.take(), (std::vector<std::string>{R"(42["n",1])", R"(42["tick"])"}));
}

TEST_F(Recovery, QuestionsAndAnswersHaveNoOffset) {
    FakeLink link;
    connect(link);
    sockets.back()->emit_with_ack(EncodedEvent::make("q", {"1"}).with_offset(5), ms{1'000}, [](const ReceivedAck*) {});
    flush();
    EXPECT_EQ(link.take(), std::vector<std::string>{R"(420["q",1])"});
}

TEST_F(Recovery, WithoutItNothingHasAnOffset) {
    offsets = false;
    pid.clear();
    FakeLink link;
    connect(link);
    EXPECT_EQ(emitted(*sockets.back(), link, EncodedEvent::make("n", {R"("x")"}).with_offset(5)), R"(42["n","x"])");
}

TEST_F(Recovery, OffsetsComeOffAsTheyWentOn) {
    const auto plain = EncodedEvent::make("näme\"", {R"("x")", "[1]"});
    for (const std::uint64_t offset : {0ULL, 9ULL, 10ULL, 18'446'744'073'709'551'615ULL}) {
        const auto with = plain.with_offset(offset);
        EXPECT_EQ(with.offset(), offset);
        EXPECT_TRUE(with.has_offset());
        EXPECT_EQ(with.event(), plain.event());
        EXPECT_EQ(with.without_offset().payload("/ws"), plain.payload("/ws"));
        EXPECT_EQ(with.with_offset(3).payload("/"), plain.with_offset(3).payload("/"));
    }
    EXPECT_FALSE(EncodedEvent{}.with_offset(1).text());
}

TEST_F(Recovery, AClientThatComesBackHasItsIdAgain) {
    FakeLink link;
    EngineSession& session = open_websocket(link);
    text(session, link, "40");
    const std::string first_id = sockets.back()->id();
    session.link_lost(link, false);
    flush();
    id = first_id;
    FakeLink again;
    EXPECT_EQ(connect(again), R"(40{"sid":")" + first_id + R"(","pid":"P"})");
    server->of("/").to(first_id).emit(EncodedEvent::make("own", {}));
    flush();
    EXPECT_EQ(again.take(), std::vector<std::string>{R"(42["own","0"])"});
}

TEST_F(Recovery, OfTwoSocketsWithOneIdTheOlderLeavesForGood) {
    FakeLink link;
    EngineSession& session = open_websocket(link);
    text(session, link, "40");
    text(session, link, "40/ws,");
    link.take();
    id = sockets.front()->id();
    FakeLink newer;
    const std::string answer = connect(newer);
    EXPECT_EQ(answer, R"(40{"sid":")" + id + R"(","pid":"P"})");
    EXPECT_EQ(link.take(), (std::vector<std::string>{"41", "41/ws,"}));
    EXPECT_TRUE(link.closed);
    EXPECT_EQ(server->of("/").size(), 1U);
    EXPECT_EQ(server->of("/ws").size(), 0U);
    server->of("/").emit(EncodedEvent::make("still", {}));
    flush();
    EXPECT_EQ(newer.take(), std::vector<std::string>{R"(42["still","0"])"});
    EXPECT_FALSE(newer.closed);
}

TEST_F(Recovery, OneThatIsRefusedOrGoesAwayTakesNobodysId) {
    FakeLink link;
    connect(link);
    id = sockets.front()->id();
    hold = true;
    FakeLink second;
    EngineSession& waiting = open_websocket(second);
    text(waiting, second, "40");
    waiting.link_lost(second, false);
    flush();
    held(std::nullopt);
    FakeLink third;
    EXPECT_EQ(connect(third), "");
    held(ConnectError{"no", {}});
    flush();
    EXPECT_EQ(third.take(), std::vector<std::string>{R"(44{"message":"no"})"});
    EXPECT_EQ(server->of("/").size(), 1U);
    server->of("/").to(id).emit(EncodedEvent::make("own", {}));
    flush();
    EXPECT_EQ(link.take(), std::vector<std::string>{R"(42["own","0"])"});
}

}  // namespace
}  // namespace carillon::socketio
