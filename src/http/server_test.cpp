#include "http/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>
#include <utility>

#include "http/session.hpp"
#include "http/testing/probe_server.hpp"
#include "loop/suspend.hpp"

namespace carillon::http {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kGet = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

loop::Task<Response> say_hello() {
    co_return json_response(200, "\"hello\"");
}

/// Holds a request until the test lets it go.
struct Gate {
    std::atomic<bool> reached = false;
    loop::Resume<bool> open;
};

loop::Task<Response> wait_at(Gate& gate) {
    std::function<void(loop::Resume<bool>)> start = [&gate](loop::Resume<bool> resume) {
        gate.open = std::move(resume);
        gate.reached = true;
    };
    co_await loop::suspend<bool>(start);
    co_return json_response(200, "\"late\"");
}

void add_hello(Router& router) {
    router.add({Method::get, "/hello", Access::open(), [](const RoutedRequest&) { return say_hello(); }});
}

TEST(Server, NamesAddressAndPortWhenThePortIsTaken) {
    ProbeServer first;
    first.start();
    ProbeServer second;
    second.config.port = first.server->port();
    try {
        second.start();
        FAIL() << "it listened";
    } catch (const std::system_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("cannot listen on 127.0.0.1:" + std::to_string(second.config.port)));
        EXPECT_EQ(error.code(), std::errc::address_in_use);
    }
}

TEST(Server, SharesAPortWithTheServersThatJoinItsFounder) {
    ServerConfig config;
    config.sharing = PortSharing::founds;
    ProbeServer first{config};
    first.start();
    config.port = first.server->port();
    config.sharing = PortSharing::joins;
    ProbeServer second{config};
    EXPECT_NO_THROW(second.start());
    EXPECT_EQ(second.server->port(), first.server->port());
}

TEST(Server, IsRefusedAPortThatAnotherHasFounded) {
    ServerConfig config;
    config.sharing = PortSharing::founds;
    ProbeServer first{config};
    first.start();
    config.port = first.server->port();
    ProbeServer second{config};
    EXPECT_THROW(second.start(), std::system_error);
}

TEST(Server, LosesTrackOfNoneOfAThousandConnections) {
    ProbeServer probe;
    add_hello(probe.router);
    probe.start();
    for (int round = 0; round < 10; ++round) {
        std::vector<TcpProbe> clients;
        for (int i = 0; i < 100; ++i) {
            clients.push_back(probe.connect());
            if (i % 2 == 0) clients.back().send(kGet);
        }
        EXPECT_TRUE(eventually([&] { return probe.server->connections() == 100; }));
        for (std::size_t i = 0; i < clients.size(); i += 2)
            EXPECT_THAT(clients[i].read_response(), StartsWith("HTTP/1.1 200"));
        for (std::size_t i = 0; i < clients.size(); i += 3) clients[i].abort();
        clients.clear();
        EXPECT_TRUE(eventually([&] { return probe.server->connections() == 0; }));
    }
}

TEST(Server, RefusesConnectionsOverTheLimit) {
    ServerConfig config;
    config.connections_max = 2;
    ProbeServer probe{config};
    add_hello(probe.router);
    probe.start();
    auto first = probe.connect();
    auto second = probe.connect();
    ASSERT_TRUE(eventually([&] { return probe.server->connections() == 2; }));
    auto third = probe.connect();
    third.send(kGet);
    const auto got = third.read_until_closed();
    ASSERT_TRUE(got);
    EXPECT_THAT(*got, AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After: 1\r\n"), HasSubstr("\"unavailable\"")));
    first.send(kGet);
    EXPECT_THAT(first.read_response(), StartsWith("HTTP/1.1 200"));
    second.close();
    third.close();
    ASSERT_TRUE(eventually([&] { return probe.server->connections() == 1; }));
    auto fourth = probe.connect();
    fourth.send(kGet);
    EXPECT_THAT(fourth.read_response(), StartsWith("HTTP/1.1 200"));
}

TEST(Server, ClosesTheLongestIdleConnectionForOneThatComes) {
    ServerConfig config;
    config.connections_max = 2;
    ProbeServer probe{config};
    add_hello(probe.router);
    probe.start();
    auto oldest = probe.connect();
    oldest.send(kGet);
    EXPECT_THAT(oldest.read_response(), StartsWith("HTTP/1.1 200"));
    auto second = probe.connect();
    second.send(kGet);
    EXPECT_THAT(second.read_response(), StartsWith("HTTP/1.1 200"));
    EXPECT_FALSE(oldest.read_until_closed(SessionHost::kIdleGrace + 200ms));
    auto third = probe.connect();
    third.send(kGet);
    EXPECT_THAT(third.read_response(), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(oldest.read_until_closed(), "");
    EXPECT_FALSE(second.read_until_closed(50ms));
    EXPECT_TRUE(eventually([&] { return probe.server->connections() == 2; }));
    // The second one makes room too; those who have just come keep what they have.
    auto fourth = probe.connect();
    fourth.send(kGet);
    EXPECT_THAT(fourth.read_response(), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(second.read_until_closed(), "");
    auto fifth = probe.connect();
    fifth.send(kGet);
    EXPECT_THAT(fifth.read_response(), StartsWith("HTTP/1.1 503"));
}

TEST(Server, DrainsWithoutLosingARequest) {
    Gate gate;
    ProbeServer probe;
    add_hello(probe.router);
    probe.router.add({Method::get, "/wait", Access::open(), [&gate](const RoutedRequest&) { return wait_at(gate); }});
    probe.start();
    auto idle = probe.connect();
    idle.send(kGet);
    EXPECT_THAT(idle.read_response(), StartsWith("HTTP/1.1 200"));
    auto busy = probe.connect();
    busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return gate.reached.load(); }));
    probe.server->drain();
    EXPECT_EQ(idle.read_until_closed(), "");
    EXPECT_TRUE(eventually([&] { return !probe.connect().connected(); }));
    // A Resume keeps its loop's executor, so it may not outlive the loop.
    std::exchange(gate.open, nullptr)(true);
    const auto got = busy.read_until_closed();
    ASSERT_TRUE(got);
    EXPECT_THAT(*got, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\"late\""), HasSubstr("Connection: close\r\n")));
    busy.close();
    EXPECT_TRUE(eventually([&] { return probe.server->connections() == 0; }));
}

TEST(Server, CloseEndsEveryConnection) {
    ProbeServer probe;
    probe.start();
    auto client = probe.connect();
    ASSERT_TRUE(eventually([&] { return probe.server->connections() == 1; }));
    loop::post(probe.loop.executor(), [&] { probe.server->close(); });
    EXPECT_TRUE(client.read_until_closed());
    EXPECT_TRUE(eventually([&] { return probe.server->connections() == 0; }));
    EXPECT_FALSE(probe.connect().connected());
}

TEST(Server, SurvivesRunningOutOfFileDescriptors) {
    ProbeServer probe;
    add_hello(probe.router);
    probe.start();
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    // A client connects while the process still may open its socket; then nothing may be opened, so accepting fails.
    std::promise<void> paused;
    std::promise<void> go_on;
    loop::post(probe.loop.executor(), [&] {
        paused.set_value();
        go_on.get_future().wait();
    });
    paused.get_future().wait();
    auto client = probe.connect();
    ASSERT_TRUE(client.connected());
    client.send(kGet);
    rlimit none = before;
    none.rlim_cur = 3;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    go_on.set_value();
    EXPECT_FALSE(client.read_until_closed(250ms));
    EXPECT_EQ(probe.server->connections(), 0U);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 200"));
}

/// Holds GETs until they are lost or the test answers; takes WebSocket requests over and echoes what came with them.
class HeldEndpoint final : public RawEndpoint {
 public:
    bool owns(std::string_view target) const override { return target.starts_with("/raw/"); }
    std::size_t body_bytes_max() const override { return 10; }
    loop::Task<std::optional<Response>> refuse_head(const Request& head) override {
        ++heads_asked;
        if (head.path != "/raw/nobody") co_return std::nullopt;
        co_return json_response(400, "\"nobody\"");
    }
    std::shared_ptr<void> expect_body(const Request&) override {
        return {this, [](HeldEndpoint* self) { ++self->bodies_let_go; }};
    }
    loop::Task<Response> on_request(Request& request, PeerWatch& peer, RawBody body) override {
        if (body.too_large) co_return json_response(413, "\"too large\"");
        if (request.method == Method::post) co_return json_response(200, request.body);
        if (request.path == "/raw/throw") throw std::runtime_error{"expected by the test"};
        std::function<void(loop::Resume<bool>)> start = [this, &peer](loop::Resume<bool> resume) {
            release = resume;
            peer.on_lost([this, resume] {
                ++lost;
                resume(false);
            });
            ++held;
        };
        const bool answered = co_await loop::suspend<bool>(start);
        co_return json_response(answered ? 200 : 400, "\"held\"");
    }
    loop::Task<int> on_upgrade(std::shared_ptr<Request> request, UpgradedStream stream) override {
        const std::string text = "upgraded " + request->path + " " + stream.already_read;
        const auto buffer = boost::asio::buffer(text);
        co_await boost::asio::async_write(stream.socket, buffer, boost::asio::use_awaitable);
        ++upgraded;
        co_return 101;
    }

    std::atomic<int> heads_asked = 0;
    std::atomic<int> bodies_let_go = 0;
    std::atomic<int> held = 0;
    std::atomic<int> lost = 0;
    std::atomic<int> upgraded = 0;
    loop::Resume<bool> release;
};

class RawEndpoints : public ::testing::Test {
 protected:
    ~RawEndpoints() override {
        if (!probe_) return;
        probe_->loop.stop();
        probe_->loop.join();
        endpoint_.release = nullptr;
    }
    void start(ServerConfig config = {}) {
        probe_ = std::make_unique<ProbeServer>(std::move(config), &endpoint_);
        add_hello(probe_->router);
        probe_->start();
    }
    TcpProbe hold() {
        auto client = probe_->connect();
        client.send("GET /raw/ HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_TRUE(eventually([&] { return endpoint_.held == 1; }));
        return client;
    }

    HeldEndpoint endpoint_;
    std::unique_ptr<ProbeServer> probe_;
};

TEST_F(RawEndpoints, LearnOfAClientThatCloses) {
    start();
    hold().close();
    EXPECT_TRUE(eventually([&] { return endpoint_.lost == 1 && probe_->server->connections() == 0; }));
}

TEST_F(RawEndpoints, LearnOfAClientThatResets) {
    start();
    hold().abort();
    EXPECT_TRUE(eventually([&] { return endpoint_.lost == 1 && probe_->server->connections() == 0; }));
}

TEST_F(RawEndpoints, LearnOfAClosingServer) {
    start();
    auto client = hold();
    loop::post(probe_->loop.executor(), [&] { probe_->server->close(); });
    EXPECT_TRUE(eventually([&] { return endpoint_.lost == 1 && probe_->server->connections() == 0; }));
}

TEST_F(RawEndpoints, AnswerLateAndLoseNoPipelinedRequest) {
    start();
    auto client = hold();
    client.send(std::string{kGet} + "POST /raw/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n42");
    loop::post(probe_->loop.executor(), [&] { endpoint_.release(true); });
    EXPECT_THAT(client.read_response(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("held")));
    EXPECT_THAT(client.read_response(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("hello")));
    EXPECT_THAT(client.read_response(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("42")));
    EXPECT_EQ(endpoint_.lost, 0);
}

TEST_F(RawEndpoints, LearnOfAClientThatClosesBehindAPipelinedRequest) {
    start();
    auto client = hold();
    client.send(kGet);
    client.close();
    EXPECT_TRUE(eventually([&] { return endpoint_.lost == 1 && probe_->server->connections() == 0; }));
}

TEST_F(RawEndpoints, AreToldOfABodyThatIsOnItsWayAndWhenItIsLost) {
    start();
    auto client = probe_->connect();
    client.send("POST /raw/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n42");
    EXPECT_THAT(client.read_response(), HasSubstr("42"));
    EXPECT_EQ(endpoint_.bodies_let_go, 0) << "it came with its head";
    client.send("POST /raw/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 100"));
    EXPECT_EQ(endpoint_.bodies_let_go, 0);
    client.send("42");
    EXPECT_THAT(client.read_response(), HasSubstr("42"));
    EXPECT_EQ(endpoint_.bodies_let_go, 1);
    client.send("POST /raw/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n4");
    client.close();
    EXPECT_TRUE(eventually([&] { return endpoint_.bodies_let_go == 2; }));
}

TEST_F(RawEndpoints, RefuseAtTheHeadWhatNoBodyCanMend) {
    start();
    auto waiting = probe_->connect();
    waiting.send("POST /raw/nobody HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_THAT(waiting.read_response(), AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("\"nobody\"")));
    for (const char* framing : {"Content-Length: 9", "Transfer-Encoding: chunked"}) {
        auto sending = probe_->connect();
        sending.send(std::string{"POST /raw/nobody HTTP/1.1\r\nHost: a\r\n"} + framing + "\r\n\r\n1");
        EXPECT_THAT(sending.read_response(), AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("Connection: close\r\n")));
    }
    EXPECT_EQ(endpoint_.heads_asked, 3);
    EXPECT_EQ(endpoint_.bodies_let_go, 0) << "no body was expected";
    auto whole = probe_->connect();
    whole.send("POST /raw/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n42");
    EXPECT_THAT(whole.read_response(), HasSubstr("42"));
    EXPECT_EQ(endpoint_.heads_asked, 3) << "one that is all there is judged as it is";
}

TEST_F(RawEndpoints, DecideThemselvesAboutABodyThatIsTooLarge) {
    start();
    auto client = probe_->connect();
    client.send("POST /raw/ HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n12345678901");
    EXPECT_THAT(client.read_response(), AllOf(StartsWith("HTTP/1.1 413"), HasSubstr("\"too large\"")));
}

TEST_F(RawEndpoints, AreAnsweredForWhenTheyThrow) {
    start();
    auto client = probe_->connect();
    client.send("GET /raw/throw HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(client.read_response(), AllOf(StartsWith("HTTP/1.1 500"), HasSubstr("\"internal\"")));
}

TEST_F(RawEndpoints, TakeTheConnectionOverWithWhatWasRead) {
    start();
    auto client = probe_->connect();
    client.send("GET /raw/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes");
    EXPECT_EQ(client.read_until_closed(), "upgraded /raw/x frames");
    EXPECT_EQ(endpoint_.upgraded, 1);
    EXPECT_TRUE(eventually([&] { return probe_->server->connections() == 0; }));
}

TEST_F(RawEndpoints, GetNoUpgradeOfPathsThatAreNotTheirs) {
    start();
    auto client = probe_->connect();
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    EXPECT_THAT(client.read_response(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("hello")));
}

class CrossOrigin : public RawEndpoints {
 protected:
    std::string ask(const std::string& request_line, const std::string& fields) {
        if (!probe_) start_with({"https://app.example", "https://other.example"});
        auto client = probe_->connect();
        client.send(request_line + " HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n" + fields + "\r\n");
        return client.read_until_closed().value_or("not closed");
    }
    void start_with(std::vector<std::string> origins) {
        ServerConfig config;
        config.cors.origins = std::move(origins);
        start(std::move(config));
    }
};

TEST_F(CrossOrigin, IsAllowedOnAnswersAndErrorsAlike) {
    for (const auto* line : {"GET /hello", "GET /missing", "GET /%zz", "POST /raw/", "DELETE /hello"}) {
        const auto got = ask(line, "Origin: https://app.example\r\nContent-Length: 0\r\n");
        // A request that cannot be read may name no origin to allow.
        EXPECT_THAT(got, HasSubstr("Access-Control-Allow-Origin: https://app.example\r\n")) << line;
        EXPECT_THAT(got, HasSubstr("Access-Control-Allow-Credentials: true\r\n")) << line;
        EXPECT_THAT(got, HasSubstr("Vary: Origin\r\n")) << line;
    }
}

TEST_F(CrossOrigin, IsNotAllowedToStrangers) {
    const auto got = ask("GET /hello", "Origin: https://evil.example\r\n");
    EXPECT_THAT(got,
                AllOf(StartsWith("HTTP/1.1 200"), Not(HasSubstr("Access-Control-")), HasSubstr("Vary: Origin\r\n")));
}

TEST_F(CrossOrigin, PreflightIsAnsweredWithWhatWasAsked) {
    const auto got = ask("OPTIONS /anything",
                         "Origin: https://other.example\r\nAccess-Control-Request-Method: POST\r\n"
                         "Access-Control-Request-Headers: authorization, idempotency-key\r\n");
    EXPECT_THAT(got, StartsWith("HTTP/1.1 204 No Content\r\n"));
    EXPECT_THAT(got, HasSubstr("Access-Control-Allow-Origin: https://other.example\r\n"));
    EXPECT_THAT(got, HasSubstr("Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n"));
    EXPECT_THAT(got, HasSubstr("Access-Control-Allow-Headers: authorization, idempotency-key\r\n"));
    EXPECT_THAT(got, HasSubstr("Access-Control-Max-Age: "));
    EXPECT_THAT(got, HasSubstr("Vary: Access-Control-Request-Headers\r\n"));
    EXPECT_THAT(got, Not(HasSubstr("Content-Length")));
}

TEST_F(CrossOrigin, WildcardAllowsAllWithoutCredentials) {
    start_with({"*"});
    const auto got = ask("GET /hello", "Origin: https://any.example\r\n");
    EXPECT_THAT(got, AllOf(HasSubstr("Access-Control-Allow-Origin: *\r\n"), Not(HasSubstr("Credentials"))));
}

}  // namespace
}  // namespace carillon::http
