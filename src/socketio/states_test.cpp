// States (`EncodedEvent::from_arrays`): of those that wait for a client only the last one is kept.
#include <algorithm>
#include <optional>

#include "socketio/server_fixture.hpp"

namespace carillon::socketio {
namespace {

/// News with the count behind it, as an application that counts sends them: what is new is 1, 2, 3 …
EncodedEvent counted(std::vector<int> news, std::uint64_t offset = 0) {
    std::string arrays;
    std::uint16_t events = 0;
    std::uint8_t states = 0;
    for (const int one : news) {
        if (events > 0) arrays.push_back(kPayloadSeparator);
        const std::string number = std::to_string(one);
        arrays += "[\"n\"," + number + "]";
        if (offset > 0) EncodedEvent::append_offset(arrays, offset);
        arrays += kPayloadSeparator + std::string{"[\"c\","} + number + "]";
        if (offset > 0) EncodedEvent::append_offset(arrays, offset);
        states = static_cast<std::uint8_t>(states | 2U << events);
        events += 2;
    }
    return EncodedEvent::from_arrays(SharedText{arrays}, events, offset > 0 ? std::optional{offset} : std::nullopt,
                                     states);
}

EncodedEvent count_alone(int count) {
    return EncodedEvent::from_arrays(SharedText{"[\"c\"," + std::to_string(count) + "]"}, 1, std::nullopt, 1);
}

std::vector<std::string> texts(std::initializer_list<const char*> list) {
    return {list.begin(), list.end()};
}

/// Sockets whose clients do not take what is sent.
class States : public ServerFixture {
 protected:
    /// A WebSocket that is behind by what it was sent; that has been taken.
    EngineSession& stalled(FakeLink& link) {
        EngineSession& session = joined(link);
        link.busy = true;
        sockets.back()->emit("first", {});
        flush();
        link.take();
        return session;
    }
    std::vector<std::string> recovers(EngineSession& session, FakeLink& link) {
        link.busy = false;
        link.behind = 0;
        session.link_writable(link);
        flush();
        return link.take();
    }
    std::size_t bytes(const std::vector<std::string>& packets) {
        std::size_t sum = 0;
        for (const auto& one : packets) sum += one.size();
        return sum;
    }
};

TEST_F(States, OfAReaderThatKeepsUpAreAllSent) {
    FakeLink link;
    joined(link);
    sockets.at(0)->emit(counted({1, 2}));
    sockets.at(0)->emit(count_alone(3));
    sockets.at(0)->emit(count_alone(4));
    flush();
    EXPECT_EQ(link.take(),
              texts({R"(42["n",1])", R"(42["c",1])", R"(42["n",2])", R"(42["c",2])", R"(42["c",3])", R"(42["c",4])"}));
    EXPECT_EQ(observer.spared, 0U);
}

TEST_F(States, OfAStalledReaderAreOnlyTheLastBehindAllThatCameBeforeIt) {
    FakeLink link;
    EngineSession& session = stalled(link);
    Socket& socket = *sockets.at(0);
    const EncodedEvent shared = counted({1, 2});
    socket.emit(shared);
    flush();
    socket.emit("x", {});
    socket.emit(counted({3}));
    flush();
    socket.emit(count_alone(4));
    socket.emit(count_alone(5));
    socket.emit("y", {});
    EXPECT_EQ(shared.payload("/"),
              "42[\"n\",1]\x1e"
              "42[\"c\",1]\x1e"
              "42[\"n\",2]\x1e"
              "42[\"c\",2]")
        << "others share it";
    const auto expected =
        texts({R"(42["n",1])", R"(42["n",2])", R"(42["x"])", R"(42["n",3])", R"(42["c",5])", R"(42["y"])"});
    EXPECT_EQ(server->queued_bytes(), link.behind + bytes(expected));
    const std::size_t sent = observer.sent;
    EXPECT_EQ(recovers(session, link), expected);
    EXPECT_EQ(observer.sent - sent, expected.size());
    EXPECT_EQ(observer.spared, 4U);
    EXPECT_EQ(server->queued_bytes(), 0U);
    socket.emit(counted({6, 7}));
    flush();
    EXPECT_EQ(link.take(), texts({R"(42["n",6])", R"(42["c",6])", R"(42["n",7])", R"(42["c",7])"}));
}

TEST_F(States, ThatAreUnderWayStay) {
    FakeLink link;
    EngineSession& session = joined(link);
    link.busy = true;
    sockets.at(0)->emit(count_alone(1));
    flush();
    EXPECT_EQ(link.take(), texts({R"(42["c",1])"}));
    sockets.at(0)->emit(count_alone(2));
    flush();
    EXPECT_EQ(recovers(session, link), texts({R"(42["c",2])"}));
    EXPECT_EQ(observer.spared, 0U);
}

TEST_F(States, OfOneNamespaceLeaveTheOthersAlone) {
    FakeLink link;
    EngineSession& session = joined(link);
    text(session, link, "40/ws,");
    link.take();
    link.busy = true;
    sockets.at(0)->emit("first", {});
    flush();
    link.take();
    for (int i = 1; i <= 3; ++i) {
        for (const auto& socket : sockets) socket->emit(count_alone(i));
    }
    EXPECT_EQ(recovers(session, link), texts({R"(42["c",3])", R"(42/ws,["c",3])"}));
    EXPECT_EQ(observer.spared, 4U);
}

TEST_F(States, OfRoomsAndOfANamespaceAreSharedWithReadersThatKeepUp) {
    FakeLink slow;
    EngineSession& session = stalled(slow);
    FakeLink quick;
    joined(quick);
    for (const auto& socket : sockets) socket->join("room");
    server->of("/").to("room").emit(counted({1}));
    flush();
    server->of("/").emit(counted({2}));
    flush();
    EXPECT_EQ(quick.take(), texts({R"(42["n",1])", R"(42["c",1])", R"(42["n",2])", R"(42["c",2])"}));
    EXPECT_EQ(recovers(session, slow), texts({R"(42["n",1])", R"(42["n",2])", R"(42["c",2])"}));
}

TEST_F(States, WaitForAGetOfWhichEachTakesSixteenPackets) {
    auto& session = open_polling();
    session.post(now(), "40", false);
    polled(session);
    for (int i = 1; i <= 40; i += 2) sockets.at(0)->emit(counted({i, i + 1}));
    flush();
    std::string all;
    for (int i = 0; session.queued_packets() > 0 && i < 10; ++i) {
        const std::string payload = polled(session);
        EXPECT_LE(std::count(payload.begin(), payload.end(), kPayloadSeparator), 15);
        all += payload + kPayloadSeparator;
    }
    std::string expected;
    for (int i = 1; i <= 40; ++i) expected += "42[\"n\"," + std::to_string(i) + "]" + kPayloadSeparator;
    EXPECT_EQ(all, expected + R"(42["c",40])" + kPayloadSeparator);
    EXPECT_EQ(server->queued_bytes(), 0U);
    EXPECT_EQ(observer.spared, 39U);
}

TEST_F(States, KeepTheOffsetsOfTheEventsAroundThem) {
    FakeLink link;
    EngineSession& session = joined(link);
    sockets.at(0)->send_offsets(4);
    link.busy = true;
    sockets.at(0)->emit("first", {});
    flush();
    link.take();
    sockets.at(0)->emit(counted({1}, 5));
    sockets.at(0)->emit("tick", {});
    sockets.at(0)->emit(counted({2}, 6));
    sockets.at(0)->emit(count_alone(3));
    EXPECT_EQ(recovers(session, link),
              texts({R"(42["n",1,"5"])", R"(42["tick","5"])", R"(42["n",2,"6"])", R"(42["c",3,"6"])"}));
}

TEST_F(States, ThatLoseTheirOffsetForAnOldClientAreStillStates) {
    FakeLink link;
    EngineSession& session = stalled(link);
    for (int i = 1; i <= 3; ++i) sockets.at(0)->emit(counted({i}, 10));
    EXPECT_EQ(recovers(session, link), texts({R"(42["n",1])", R"(42["n",2])", R"(42["n",3])", R"(42["c",3])"}));
}

class FewStates : public States {
 protected:
    ServerConfig make_config() const override {
        ServerConfig config;
        config.queue_packets_max = 3;
        config.queue_bytes_max = 1'000;
        return config;
    }
};

TEST_F(FewStates, ThatTakeThePlaceOfOthersDoNotFillTheQueue) {
    FakeLink link;
    auto& session = joined(link);
    link.busy = true;
    sockets.at(0)->emit("n", {});
    flush();
    const std::size_t behind = server->queued_bytes();
    for (int i = 0; i < 10'000; ++i) sockets.at(0)->emit(count_alone(i));
    flush();
    EXPECT_TRUE(session.open());
    EXPECT_EQ(session.queued_packets(), 1U);
    EXPECT_EQ(server->queued_bytes(), behind + std::string_view{R"(42["c",9999])"}.size());
    for (int i = 0; i < 3; ++i) sockets.at(0)->emit(counted({i}));
    flush();
    EXPECT_TRUE(session.open()) << "the count alone has made room";
    sockets.at(0)->emit(counted({4}));
    flush();
    EXPECT_EQ(disconnects, std::vector<std::string>{"slow consumer"});
    EXPECT_EQ(server->queued_bytes(), 0U);
}

}  // namespace
}  // namespace carillon::socketio
