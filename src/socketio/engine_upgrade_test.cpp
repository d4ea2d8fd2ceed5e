#include "socketio/server_fixture.hpp"

namespace carillon::socketio {
namespace {

class Upgrade : public ServerFixture {
 protected:
    EngineSession& polling_joined() {
        auto& session = open_polling();
        session.post(now(), "40", false);
        polled(session);
        return session;
    }
    void emit(int n) { sockets.at(0)->emit(EncodedEvent::make("n", {std::to_string(n)})); }
};

// The sequence of the stock client with its default options, as recorded from the reference server.
TEST_F(Upgrade, FollowsTheDefaultClient) {
    on_socket = [](Socket& socket) { socket.emit(EncodedEvent::make("hello", {"1"})); };
    auto& session = open_polling();
    FakeLink link;
    FakeHold first;
    session.post(now(), "40{\"token\":\"jwt\"}", false);
    session.begin_upgrade(now(), link);
    session.poll(now(), first);
    flush();
    EXPECT_EQ(sockets.at(0)->handshake().auth_json, "{\"token\":\"jwt\"}");
    EXPECT_EQ(first.body, "40{\"sid\":\"" + sockets.at(0)->id() +
                              "\"}\x1e"
                              "42[\"hello\",1]");
    session.post(now(), "40/ws,{\"token\":\"jwt\"}", false);
    text(session, link, "2probe");
    EXPECT_EQ(link.take(), std::vector<std::string>{"3probe"});
    text(session, link, "5");
    EXPECT_EQ(link.take(),
              (std::vector<std::string>{"40/ws,{\"sid\":\"" + sockets.at(1)->id() + "\"}", "42/ws,[\"hello\",1]"}));
    EXPECT_EQ(sockets.at(0)->transport(), "websocket");
    EXPECT_EQ(observer.active["websocket"], 1);
    EXPECT_EQ(observer.active["polling"], 0);

    text(session, link, "451-0[\"echo\",\"a\",{\"_placeholder\":true,\"num\":0}]");
    binary(session, link, "\x01\x02");
    acks.at(0)({"\"a\"", "{\"_placeholder\":true,\"num\":0}"}, {"\x01\x02"});
    flush();
    EXPECT_EQ(link.take(), (std::vector<std::string>{"461-0[\"a\",{\"_placeholder\":true,\"num\":0}]", "<\x01\x02>"}));
}

TEST_F(Upgrade, ASocketThatHasEndedTellsItsLastTransport) {
    auto& session = polling_joined();
    FakeLink link;
    session.begin_upgrade(now(), link);
    text(session, link, "2probe");
    text(session, link, "5");
    const SocketPtr socket = sockets.at(0);
    std::string seen;
    socket->on_disconnect([&](std::string_view) { seen = socket->transport(); });
    text(session, link, "41");
    EXPECT_EQ(seen, "websocket");
    EXPECT_EQ(socket->transport(), "websocket");
}

TEST_F(Upgrade, KeepsOrderUnderTraffic) {
    auto& session = polling_joined();
    std::vector<std::string> seen;
    const auto note = [&seen](const std::string& payload) {
        for (std::size_t at = 0; at < payload.size();) {
            const std::size_t end = std::min(payload.find('\x1e', at), payload.size());
            if (payload[at] == '4') seen.push_back(payload.substr(at, end - at));
            at = end + 1;
        }
    };
    FakeLink link;
    FakeHold held;
    session.poll(now(), held);
    emit(0);
    flush();
    note(held.body);
    session.begin_upgrade(now(), link);
    emit(1);
    text(session, link, "2probe");
    emit(2);
    note(polled(session));
    emit(3);
    FakeHold last;
    session.poll(now(), last);
    flush();
    note(last.body);
    emit(4);
    text(session, link, "5");
    emit(5);
    flush();
    for (const auto& packet : link.take()) {
        if (packet != "3probe") seen.push_back(packet);
    }
    std::vector<std::string> expected;
    for (int i = 0; i <= 5; ++i) expected.push_back("42[\"n\"," + std::to_string(i) + "]");
    EXPECT_EQ(seen, expected);
}

TEST_F(Upgrade, ReleasesPollsAtOnceAndThenEveryHundredMilliseconds) {
    auto& session = polling_joined();
    FakeLink link;
    FakeHold first;
    session.poll(now(), first);
    session.begin_upgrade(now(), link);
    flush();
    EXPECT_EQ(first.answers, 0);
    text(session, link, "2probe");
    EXPECT_EQ(first.body, "6");

    FakeHold second;
    session.poll(now(), second);
    flush();
    EXPECT_EQ(second.answers, 0) << "a hot loop must not be possible";
    advance(ms{99});
    EXPECT_EQ(second.answers, 0);
    advance(ms{1});
    EXPECT_EQ(second.body, "6");

    advance(ms{500});
    EXPECT_EQ(polled(session), "6") << "the last one is long ago";
}

TEST_F(Upgrade, APollThatIsStillHeldComesBackWhenTheClientConfirms) {
    auto& session = polling_joined();
    FakeLink link;
    session.begin_upgrade(now(), link);
    text(session, link, "2probe");
    EXPECT_EQ(polled(session), "6");
    FakeHold held;
    session.poll(now(), held);
    text(session, link, "5");
    EXPECT_EQ(held.body, "6");
}

TEST_F(Upgrade, GivesUpAfterTenSecondsAndGoesOnPolling) {
    auto& session = polling_joined();
    FakeLink link;
    session.begin_upgrade(now(), link);
    EXPECT_FALSE(session.upgradable());
    text(session, link, "2probe");
    advance(ms{10'000});
    EXPECT_TRUE(link.closed);
    EXPECT_TRUE(session.open());
    EXPECT_TRUE(session.upgradable());
    FakeHold held;
    session.poll(now(), held);
    advance(ms{1'000});
    EXPECT_EQ(held.answers, 0) << "no more NOOPs";
}

TEST_F(Upgrade, AnythingElseOnTheProbeDropsOnlyTheWebSocket) {
    for (const std::string_view bad : {"40", "3", "5", "2", "", "probe", "2probe "}) {
        auto& session = polling_joined();
        FakeLink link;
        session.begin_upgrade(now(), link);
        text(session, link, bad);
        EXPECT_TRUE(link.closed) << bad;
        EXPECT_TRUE(session.open()) << bad;
    }
    auto& session = polling_joined();
    FakeLink link;
    session.begin_upgrade(now(), link);
    binary(session, link, "2probe");
    EXPECT_TRUE(link.closed);
    FakeLink lost;
    session.begin_upgrade(now(), lost);
    session.link_lost(lost, true);
    EXPECT_TRUE(session.upgradable());
    EXPECT_TRUE(disconnects.empty());
}

TEST_F(Upgrade, AProbeThatCannotTakeItsAnswerIsWaitedFor) {
    auto& session = polling_joined();
    FakeLink link;
    link.busy = true;
    session.begin_upgrade(now(), link);
    text(session, link, "2probe");
    EXPECT_EQ(server->queued_bytes(), 6U);
    text(session, link, "5");
    emit(1);
    flush();
    EXPECT_EQ(link.take(), std::vector<std::string>{"3probe"}) << "nothing before it is writable";
    link.busy = false;
    link.behind = 0;
    session.link_writable(link);
    flush();
    EXPECT_EQ(link.take(), std::vector<std::string>{"42[\"n\",1]"});
    EXPECT_EQ(server->queued_bytes(), 0U);
}

TEST_F(Upgrade, AProbeThatAsksAgainWithoutReadingIsDropped) {
    auto& session = polling_joined();
    FakeLink link;
    link.busy = true;
    session.begin_upgrade(now(), link);
    text(session, link, "2probe");
    text(session, link, "2probe");
    EXPECT_TRUE(link.closed);
    EXPECT_TRUE(session.open());
    EXPECT_EQ(server->queued_bytes(), 0U);
}

TEST_F(Upgrade, AClosedSessionClosesBoth) {
    auto& session = polling_joined();
    FakeLink link;
    FakeHold held;
    session.begin_upgrade(now(), link);
    session.poll(now(), held);
    sockets.at(0)->close_transport("tests");
    flush();
    EXPECT_TRUE(link.closed);
    EXPECT_EQ(held.body, "1");
}

TEST_F(Upgrade, KeepsTheDeadlineOfAPongThatWasNotSent) {
    auto& session = polling_joined();
    advance(ms{25'000});
    EXPECT_EQ(polled(session), "2");
    FakeLink link;
    session.begin_upgrade(now(), link);
    text(session, link, "2probe");
    text(session, link, "5");
    advance(ms{19'999});
    EXPECT_TRUE(session.open());
    advance(ms{1});
    EXPECT_EQ(disconnects, std::vector<std::string>{"ping timeout"});
    EXPECT_TRUE(link.closed);
}

}  // namespace
}  // namespace carillon::socketio
