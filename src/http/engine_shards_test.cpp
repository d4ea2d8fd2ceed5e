// Several shards: requests for a session that lives on another one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <future>

#include "http/arrival_order.hpp"
#include "http/receive.hpp"
#include "http/testing/engine_probe.hpp"

namespace carillon::http {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Keeps a loop from doing anything until it is let go.
class Standstill {
 public:
    explicit Standstill(Shard& shard) {
        std::promise<void> reached;
        loop::post(shard.probe.loop.executor(), [&reached, go_on = go_on_.get_future().share()] {
            reached.set_value();
            go_on.wait();
        });
        reached.get_future().wait();
    }
    ~Standstill() { end(); }
    void end() {
        if (!std::exchange(ended_, true)) go_on_.set_value();
    }

 private:
    std::promise<void> go_on_;
    bool ended_ = false;
};

/// Whether the system notes arrivals by now: it begins to a moment after the first socket wants it.
bool arrivals_are_noted() {
    boost::asio::io_context context;
    using boost::asio::ip::tcp;
    tcp::acceptor acceptor{context, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
    note_arrivals(acceptor.native_handle());
    tcp::socket client{context};
    client.connect(acceptor.local_endpoint());
    tcp::socket server = acceptor.accept();
    client.send(boost::asio::buffer("x", 1));
    const auto after = arrival_clock_ns();
    std::array<char, 8> bytes;
    Received got;
    do {
        got = receive(server.native_handle(), bytes);
    } while (got.error);
    return got.bytes == 1 && got.arrived_ns < after;
}

class EngineShards : public ::testing::Test {
 protected:
    static socketio::ServerConfig shard(std::uint16_t index) {
        socketio::ServerConfig config;
        static const auto sids = std::make_shared<const socketio::SidCodec>();
        config.shard = index;
        config.sids = sids;
        return config;
    }
    void SetUp() override {
        for (auto* one : {&a, &b}) {
            one->probe.config.sharing = PortSharing::joins;
            one->endpoint.set_siblings({&a.endpoint, &b.endpoint});
            one->start();
        }
        ASSERT_TRUE(eventually(arrivals_are_noted));
    }
    /// A session of the second shard that has joined "/".
    std::string joined() {
        const auto target = with_sid(b.open());
        EXPECT_THAT(b.ask(post(target, "40")), EndsWith("ok"));
        EXPECT_THAT(b.ask(get(target)), HasSubstr("\r\n\r\n40{\"sid\":\""));
        return target;
    }
    /// What is sent to `shard` from now on is read after everything that was sent to it before.
    static void settle(const Shard& shard) { EXPECT_FALSE(shard.open().empty()); }

    Shard a{{}, shard(0)};
    Shard b{{}, shard(1)};
};

TEST_F(EngineShards, HandRequestsToTheOwnerOfTheSession) {
    const auto sid = a.open();
    const auto target = with_sid(sid);
    EXPECT_THAT(b.ask(post(target, "40")), EndsWith("ok"));
    EXPECT_THAT(b.ask(get(target)), HasSubstr("\r\n\r\n40{\"sid\":\""));
    auto waiting = b.probe.connect();
    waiting.send(get(target));
    EXPECT_THAT(a.ask(post(target, "42[\"x\"]")), EndsWith("ok"));
    EXPECT_THAT(waiting.read_response(), EndsWith("42[\"x\"]"));

    auto client = b.probe.connect();
    client.send(upgrade(sid) + frame(0x81, "2probe") + frame(0x81, "5") + frame(0x81, "42[\"y\"]") +
                frame(0x81, "42[\"kick\"]") + frame(0x88, ""));
    const auto got = client.read_until_closed();
    ASSERT_TRUE(got);
    EXPECT_THAT(*got, HasSubstr("\x81\x06"
                                "3probe"
                                "\x81\x07"
                                "42[\"y\"]"
                                "\x81\x02"
                                "41"));
    EXPECT_TRUE(a.ended_with("server namespace disconnect"));

    const auto other = b.open();
    auto aborted = a.probe.connect();
    aborted.send(get(with_sid(other)));
    EXPECT_THAT(a.ask(post(with_sid(other), "6")), EndsWith("ok"));
    aborted.close();
    EXPECT_TRUE(b.ended_with("transport error"));
}

TEST_F(EngineShards, ServePostsInTheOrderOfTheirArrivalThoughOneShardStandsStill) {
    const auto target = joined();
    auto first = a.probe.connect();
    auto second = b.probe.connect();
    Standstill still{a};
    first.send(post(target, "42[\"n\",0]"));
    second.send(post(target, "42[\"n\",1]"));
    settle(b);
    still.end();
    EXPECT_THAT(first.read_response(), EndsWith("ok"));
    EXPECT_THAT(second.read_response(), EndsWith("ok"));
    EXPECT_THAT(a.ask(get(target)), EndsWith("42[\"n\",0]\x1e"
                                             "42[\"n\",1]"));
}

TEST_F(EngineShards, KeepTheOrderOfManyConnections) {
    const auto target = joined();
    constexpr int kPosts = 16;
    std::vector<TcpProbe> clients;
    for (int i = 0; i < kPosts; ++i) clients.push_back((i % 2 == 0 ? a : b).probe.connect());
    Standstill first{a};
    Standstill second{b};
    std::string expected;
    for (int i = 0; i < kPosts; ++i) {
        const auto event = "42[\"n\"," + std::to_string(i) + "]";
        clients[static_cast<std::size_t>(i)].send(post(target, event));
        expected += (i == 0 ? "" : "\x1e") + event;
    }
    second.end();
    first.end();
    for (auto& client : clients) EXPECT_THAT(client.read_response(), EndsWith("ok"));
    EXPECT_THAT(b.ask(get(target)), EndsWith("\r\n\r\n" + expected));
}

TEST_F(EngineShards, AGetThatCameBeforeTheClosePacketHearsOfIt) {
    const auto target = joined();
    auto poll = a.probe.connect();
    auto close = b.probe.connect();
    Standstill still{a};
    poll.send(get(target));
    close.send(post(target, "1"));
    settle(b);
    still.end();
    EXPECT_THAT(poll.read_response(), AllOf(StartsWith("HTTP/1.1 200"), EndsWith("\r\n\r\n6")));
    EXPECT_THAT(close.read_response(), EndsWith("ok"));
    EXPECT_THAT(b.ask(get(target)), EndsWith(R"({"code":1,"message":"Session ID unknown"})"));
}

TEST_F(EngineShards, OfTwoGetsTheLaterOneIsRefused) {
    const auto target = joined();
    auto first = a.probe.connect();
    auto second = b.probe.connect();
    Standstill still{a};
    first.send(get(target));
    second.send(get(target));
    settle(b);
    still.end();
    EXPECT_THAT(first.read_response(), AllOf(StartsWith("HTTP/1.1 200"), EndsWith("\r\n\r\n1")));
    EXPECT_THAT(second.read_response(), StartsWith("HTTP/1.1 400"));
}

TEST_F(EngineShards, AnUpgradeThatIsConfirmedComesBeforeTheGetBehindIt) {
    const auto target = joined();
    auto socket = a.probe.connect();
    socket.send(upgrade(target.substr(target.find("sid=") + 4)) + frame(0x81, "2probe"));
    EXPECT_THAT(socket.read_response(), StartsWith("HTTP/1.1 101"));
    settle(b);
    Standstill still{b};
    socket.send(frame(0x81, "5"));
    auto poll = a.probe.connect();
    poll.send(get(target));
    settle(a);
    still.end();
    EXPECT_THAT(poll.read_response(), EndsWith(R"({"code":3,"message":"Bad request"})"));
}

TEST_F(EngineShards, ABodyThatIsLostOnAnotherShardEndsTheSession) {
    const auto target = joined();
    auto client = a.probe.connect();
    const auto whole = post(target, "42[\"never\"]");
    client.send(whole.substr(0, whole.size() - 3));
    settle(a);
    client.close();
    EXPECT_TRUE(b.ended_with("transport error"));
}

TEST_F(EngineShards, SendARefusalOverAHandedConnection) {
    auto client = a.probe.connect();
    const auto sid = b.open();
    auto unknown = sid;
    unknown.back() = unknown.back() == 'A' ? 'B' : 'A';
    client.send(upgrade(unknown));
    EXPECT_THAT(client.read_until_closed().value_or("open"),
                AllOf(StartsWith("HTTP/1.1 400"), EndsWith("Session ID unknown")));
}

TEST(ArrivalOrder, DoesNotWaitForEverForAShardThatStandsStill) {
    loop::EventLoop home{"home"};
    loop::EventLoop stuck{"stuck"};  // never started
    home.start();
    const auto order = std::make_shared<ArrivalOrder>(home.executor());
    order->set_shards({home.executor(), stuck.executor()});
    std::promise<void> served;
    loop::post(home.executor(), [&] { order->wait(0, [&] { served.set_value(); }); });
    EXPECT_EQ(served.get_future().wait_for(std::chrono::seconds{10}), std::future_status::ready);
    home.stop();
    home.join();
}

TEST(ArrivalOrder, SortsByArrivalAndTakesTheLatecomersOfARoundIn) {
    loop::EventLoop home{"home"};
    const auto order = std::make_shared<ArrivalOrder>(home.executor());
    order->set_shards({home.executor(), home.executor()});
    const auto now = arrival_clock_ns();
    std::vector<int> turns;
    std::promise<void> all;
    const auto wait = [&](std::int64_t arrived, int name) {
        order->wait(arrived, [&, name] {
            turns.push_back(name);
            if (turns.size() == 4) all.set_value();
        });
    };
    loop::post(home.executor(), [&] {
        wait(now - 10, 2);  // begins the round
        wait(now - 20, 1);  // handed over while it runs
        wait(now - 5, 3);
        wait(now + 60'000'000'000, 4);  // the clock was set back: it goes with the next round
    });
    home.start();
    EXPECT_EQ(all.get_future().wait_for(std::chrono::seconds{10}), std::future_status::ready);
    EXPECT_EQ(turns, (std::vector<int>{1, 2, 3, 4}));
    home.stop();
    home.join();
}

}  // namespace
}  // namespace carillon::http
