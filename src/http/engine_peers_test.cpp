// Several nodes: requests for a session that lives on another one are passed on to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/testing/certificates.hpp"
#include "http/errc.hpp"
#include "http/testing/engine_probe.hpp"
#include "http/testing/scripted_server.hpp"

namespace carillon::http {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kSessionUnknown = "{\"code\":1,\"message\":\"Session ID unknown\"}";

loop::Task<base::Result<std::optional<std::string>>> answer(base::Result<std::optional<std::string>> value) {
    co_return value;
}

/// Who is where, and what became of requests. Thread: any.
struct Directory {
    std::shared_ptr<EnginePeers> peers() {
        auto made = std::make_shared<EnginePeers>();
        made->find = [this](std::string node) {
            const std::lock_guard lock{mutex};
            ++asked;
            if (away) return answer(make_error_code(errc::timeout));
            const auto found = urls.find(node);
            return answer(found == urls.end() ? std::nullopt : std::optional{found->second});
        };
        made->doubt = [this](const std::string& node) {
            const std::lock_guard lock{mutex};
            doubted.insert(node);
        };
        made->sign = [] { return std::string{"good"}; };
        made->verify = [](std::string_view token) { return token == "good"; };
        made->count = [this](std::string_view result) {
            const std::lock_guard lock{mutex};
            ++results[std::string{result}];
        };
        made->hold_max = 2s;
        made->answer_max = 1s;
        made->silence_max = 1s;
        return made;
    }
    void put(const std::string& node, std::uint16_t port) {
        const std::lock_guard lock{mutex};
        urls[node] = "http://127.0.0.1:" + std::to_string(port);
    }
    int count(const std::string& result) {
        const std::lock_guard lock{mutex};
        return results[result];
    }

    std::mutex mutex;
    std::map<std::string, std::string> urls;
    std::set<std::string> doubted;
    std::map<std::string, int> results;
    int asked = 0;
    bool away = false;
};

/// One node of one shard.
struct Peer {
    Peer(Directory& directory, const std::string& node, std::shared_ptr<EnginePeers> peers)
        : shard{endpoint_config(std::move(peers)), server_config(node)} {
        shard.start();
        directory.put(node, shard.probe.server->port());
    }
    static EngineEndpointConfig endpoint_config(std::shared_ptr<EnginePeers> peers) {
        EngineEndpointConfig config;
        config.peers = std::move(peers);
        return config;
    }
    static socketio::ServerConfig server_config(const std::string& node) {
        socketio::ServerConfig config;
        config.ping_interval = 60s;
        config.sids = std::make_shared<const socketio::SidCodec>(node, "the key");
        return config;
    }
    Shard shard;
};

class EnginePeersTest : public ::testing::Test {
 protected:
    std::string ask(Peer& peer, const std::string& request) { return peer.shard.ask(request); }

    Directory directory;
    Peer a{directory, "node-aaa", directory.peers()};
    Peer b{directory, "node-bbb", directory.peers()};
};

TEST_F(EnginePeersTest, APollingClientMayAskAnyNode) {
    const auto target = with_sid(a.shard.open());
    EXPECT_THAT(ask(b, post(target, "40")), AllOf(StartsWith("HTTP/1.1 200"), EndsWith("ok")));
    EXPECT_THAT(ask(b, get(target)), AllOf(HasSubstr("text/plain; charset=UTF-8"), HasSubstr("\r\n\r\n40{\"sid\":\"")));
    EXPECT_THAT(ask(a, post(target, "42[\"x\"]")), EndsWith("ok"));
    EXPECT_THAT(ask(b, get(target)), EndsWith("42[\"x\"]"));
    EXPECT_EQ(directory.count("answered"), 3);
}

TEST_F(EnginePeersTest, AHeldGetIsAnsweredWhenThereIsSomething) {
    const auto target = with_sid(a.shard.open());
    ask(a, post(target, "40"));
    ask(a, get(target));
    auto waiting = b.shard.probe.connect();
    waiting.send(get(target));
    EXPECT_THAT(ask(b, post(target, "42[\"later\"]")), EndsWith("ok"));
    EXPECT_THAT(waiting.read_response(), EndsWith("42[\"later\"]"));
}

TEST_F(EnginePeersTest, TheOwnerHearsThatTheClientOfAHeldGetHasGone) {
    // Nobody sees from outside whether a GET is held by now: a client may be gone before its GET has arrived, and then
    // there is nothing to hear. So several times.
    const auto heard = [&] {
        const std::lock_guard lock{a.shard.mutex};
        return !a.shard.reasons.empty();
    };
    for (int attempt = 0; attempt < 50 && !heard(); ++attempt) {
        const auto target = with_sid(a.shard.open());
        ask(a, post(target, "40"));
        ask(a, get(target));
        auto waiting = b.shard.probe.connect();
        waiting.send(get(target));
        std::this_thread::sleep_for(std::chrono::milliseconds{10 * (attempt + 1)});
        waiting.abort();
        const auto until = std::chrono::steady_clock::now() + 100ms;
        while (!heard() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    }
    EXPECT_TRUE(a.shard.ended_with("transport error"));
}

TEST_F(EnginePeersTest, AnUpgradeIsTunnelledAndBothSidesTalk) {
    const auto sid = a.shard.open();
    ask(a, post(with_sid(sid), "40"));
    ask(a, get(with_sid(sid)));
    auto client = b.shard.probe.connect();
    client.send(upgrade(sid) + frame(0x81, "2probe"));
    const auto head = client.read_until("3probe");
    EXPECT_THAT(head, AllOf(StartsWith("HTTP/1.1 101 Switching Protocols\r\n"), HasSubstr("Sec-WebSocket-Accept: ")));
    client.send(frame(0x81, "5") + frame(0x81, "42[\"y\"]"));
    EXPECT_THAT(client.read_until("42[\"y\"]"), EndsWith("42[\"y\"]"));
    const std::string big(60'000, 'x');
    for (int i = 0; i < 20; ++i) {
        client.send(frame(0x81, "42[\"z\",\"" + big + "\"]"));
        EXPECT_THAT(client.read_until("x\"]"), HasSubstr("42[\"z\",\"" + big + "\"]"));
    }
    client.send(frame(0x88, ""));
    EXPECT_TRUE(client.read_until_closed());
    EXPECT_TRUE(a.shard.ended_with("transport close"));
    EXPECT_EQ(directory.count("tunnelled"), 1);
}

TEST_F(EnginePeersTest, ATunnelThatIsCutEndsTheSession) {
    const auto sid = a.shard.open();
    ask(a, post(with_sid(sid), "40"));
    auto client = b.shard.probe.connect();
    client.send(upgrade(sid) + frame(0x81, "2probe") + frame(0x81, "5"));
    client.read_until("3probe");
    client.abort();
    EXPECT_TRUE(eventually([&] {
        const std::lock_guard lock{a.shard.mutex};
        return !a.shard.reasons.empty();
    }));
}

TEST_F(EnginePeersTest, ATunnelInWhichNobodySaysAnythingIsClosed) {
    const auto sid = a.shard.open();
    auto client = b.shard.probe.connect();
    client.send(upgrade(sid) + frame(0x81, "2probe"));
    client.read_until("3probe");
    EXPECT_TRUE(client.read_until_closed(4s));
}

TEST_F(EnginePeersTest, TheSessionOfANodeThatIsGoneIsUnknown) {
    const auto never = socketio::SidCodec{"node-ccc", "the key"}.make(0);
    EXPECT_THAT(ask(b, get(with_sid(never))), AllOf(StartsWith("HTTP/1.1 400"), EndsWith(kSessionUnknown)));
    EXPECT_THAT(ask(b, post(with_sid(never), "40")), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(ask(b, upgrade(never)), StartsWith("HTTP/1.1 400"));
    EXPECT_EQ(directory.count("no_node"), 3);

    // One that is still listed, but does not listen any more.
    std::uint16_t port = 0;
    {
        ProbeServer gone;
        gone.start();
        port = gone.server->port();
    }
    directory.put("node-ccc", port);
    EXPECT_THAT(ask(b, get(with_sid(never))), AllOf(StartsWith("HTTP/1.1 400"), EndsWith(kSessionUnknown)));
    EXPECT_THAT(ask(b, upgrade(never)), StartsWith("HTTP/1.1 400"));
    EXPECT_EQ(directory.count("not_reached"), 2);
    EXPECT_TRUE(directory.doubted.contains("node-ccc"));
}

TEST_F(EnginePeersTest, WithoutTheRegistryItIs503) {
    const auto sid = a.shard.open();
    directory.away = true;
    EXPECT_THAT(ask(b, get(with_sid(sid))), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After: ")));
    EXPECT_THAT(ask(b, upgrade(sid)), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After: ")));
}

TEST_F(EnginePeersTest, AnOwnerThatDoesNotAnswerIsGivenUpInTime) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::acceptor silent{io, {boost::asio::ip::address_v4::loopback(), 0}};
    directory.put("node-ccc", silent.local_endpoint().port());
    const auto sid = socketio::SidCodec{"node-ccc", "the key"}.make(0);
    EXPECT_THAT(ask(b, post(with_sid(sid), "40")), StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(ask(b, upgrade(sid)), StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(ask(b, get(with_sid(sid))), StartsWith("HTTP/1.1 503"));
}

TEST_F(EnginePeersTest, IdsThatNoNodeMadeAreNotLookedFor) {
    const auto forged = socketio::SidCodec{"node-aaa", "another key"}.make(0);
    EXPECT_THAT(ask(b, get(with_sid(forged))), AllOf(StartsWith("HTTP/1.1 400"), EndsWith(kSessionUnknown)));
    EXPECT_THAT(ask(b, get(with_sid("short"))), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(ask(b, upgrade(forged)), StartsWith("HTTP/1.1 400"));
    EXPECT_EQ(directory.asked, 0);
}

TEST_F(EnginePeersTest, ARequestIsPassedOnOnce) {
    // The registry is wrong about who node-ccc is: it is this very node.
    directory.put("node-ccc", b.shard.probe.server->port());
    const auto sid = socketio::SidCodec{"node-ccc", "the key"}.make(0);
    EXPECT_THAT(ask(b, get(with_sid(sid))), AllOf(StartsWith("HTTP/1.1 400"), EndsWith(kSessionUnknown)));
    EXPECT_THAT(ask(b, upgrade(sid)), StartsWith("HTTP/1.1 400"));
    EXPECT_EQ(directory.count("loop"), 2);
    EXPECT_EQ(directory.asked, 2);
}

TEST_F(EnginePeersTest, ARequestThatSaysItWasPassedOnNeedsAGoodToken) {
    const auto sid = b.shard.open();
    EXPECT_THAT(ask(b, get(with_sid(sid), "Carillon-Forwarded: Bearer bad\r\n")), StartsWith("HTTP/1.1 401"));
    EXPECT_THAT(ask(b, get(with_sid(sid), "Carillon-Forwarded: good\r\n")), StartsWith("HTTP/1.1 401"));
    EXPECT_THAT(ask(b, upgrade(sid, "Carillon-Forwarded: Bearer bad\r\n")), StartsWith("HTTP/1.1 401"));
    EXPECT_THAT(ask(b, get(std::string{kPolling}, "Carillon-Forwarded: Bearer good\r\n")), StartsWith("HTTP/1.1 200"));
}

TEST_F(EnginePeersTest, WhatIsWrongByItselfIsRefusedWhereItArrives) {
    const auto sid = a.shard.open();
    EXPECT_THAT(ask(b, get("/socket.io/?EIO=4&transport=carrier-pigeon&sid=" + sid)), HasSubstr("Transport unknown"));
    EXPECT_THAT(ask(b, "PUT " + with_sid(sid) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
                StartsWith("HTTP/1.1 405"));
    EXPECT_EQ(directory.asked, 0);
}

TEST_F(EnginePeersTest, OverTlsTheOwnerGetsWhatIsItsAndNothingElse) {
    const base::testing::Certificates certificates;
    std::mutex mutex;
    std::vector<std::string> seen;
    ScriptedServer owner{[&](const std::string& request) {
                             const std::lock_guard lock{mutex};
                             seen.push_back(request);
                             if (request.starts_with("ping")) return ScriptedServer::Reply{"pong"};
                             if (request.find("Upgrade: websocket") != std::string::npos) {
                                 return ScriptedServer::Reply{"HTTP/1.1 101 Switching Protocols\r\n\r\nfirst"};
                             }
                             return ScriptedServer::Reply{ScriptedServer::answer(200, "ok", "Set-Cookie: a=b\r\n")};
                         },
                         {certificates.certificate("server"), certificates.key("server")}};
    auto peers = directory.peers();
    peers->tls_ca_file = certificates.certificate("ca");
    Peer c{directory, "node-ccc", peers};
    directory.urls["node-ddd"] = owner.url() + "/behind";
    const auto sid = socketio::SidCodec{"node-ddd", "the key"}.make(0);
    const auto target = with_sid(sid);
    const std::string own = "Authorization: Bearer user\r\nCookie: c=d\r\nX-Forwarded-For: 9.9.9.9\r\n";
    const auto answered = ask(c, get(target, own));
    EXPECT_THAT(answered, AllOf(StartsWith("HTTP/1.1 200"), EndsWith("ok")));
    EXPECT_EQ(answered.find("Set-Cookie"), std::string::npos);
    auto client = c.shard.probe.connect();
    client.send(upgrade(sid, own));
    EXPECT_THAT(client.read_until("first"), StartsWith("HTTP/1.1 101 "));
    client.send("ping\r\n\r\n");
    EXPECT_THAT(client.read_until("pong"), EndsWith("pong"));
    const std::lock_guard lock{mutex};
    ASSERT_EQ(seen.size(), 3U);
    for (const auto& request : {seen[0], seen[1]}) {
        EXPECT_THAT(request, AllOf(StartsWith("GET /behind/socket.io/?EIO=4&transport="),
                                   HasSubstr("\r\nCarillon-Forwarded: Bearer good\r\n"),
                                   HasSubstr("\r\nCarillon-Forwarded-Client: 127.0.0.1\r\n")));
        for (const auto* field : {"Authorization", "Cookie", "X-Forwarded-For", "Origin"}) {
            EXPECT_EQ(request.find("\r\n" + std::string{field} + ": "), std::string::npos) << field;
        }
    }
}

TEST_F(EnginePeersTest, KeepsItsConnectionsForAWhileOnly) {
    auto peers = directory.peers();
    peers->idle_max = 500ms;
    Peer c{directory, "node-ccc", peers};
    const auto target = with_sid(a.shard.open());
    EXPECT_TRUE(eventually([&] { return a.shard.probe.server->connections() == 0; }));
    EXPECT_THAT(ask(c, post(target, "40")), EndsWith("ok"));
    EXPECT_EQ(a.shard.probe.server->connections(), 1U);
    EXPECT_TRUE(eventually([&] { return a.shard.probe.server->connections() == 0; }));
}

TEST_F(EnginePeersTest, WhatIsUnderWayIsBounded) {
    auto peers = directory.peers();
    peers->requests_max = 1;
    Peer c{directory, "node-ccc", peers};
    const auto first = with_sid(a.shard.open());
    auto holding = c.shard.probe.connect();
    holding.send(get(first));
    EXPECT_TRUE(eventually([&] {
        const std::lock_guard lock{directory.mutex};
        return directory.asked == 1;
    }));
    EXPECT_THAT(ask(c, get(with_sid(b.shard.open()))), StartsWith("HTTP/1.1 503"));
    EXPECT_EQ(directory.count("overloaded"), 1);
}

}  // namespace
}  // namespace carillon::http
