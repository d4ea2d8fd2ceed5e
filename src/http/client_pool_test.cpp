#include "http/client_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>

#include "base/log.hpp"
#include "base/testing/certificates.hpp"
#include "base/testing/fake_clock.hpp"
#include "http/testing/probe_server.hpp"
#include "http/testing/scripted_server.hpp"

namespace carillon::http {
namespace {

using namespace std::chrono_literals;
using Reply = ScriptedServer::Reply;

Call reading(std::string target = "/x") {
    Call call;
    call.target = std::move(target);
    call.repeatable = true;
    return call;
}

Call changing() {
    Call call;
    call.method = Method::post;
    call.target = "/x";
    call.body = "{}";
    return call;
}

Reply good(const std::string&) {
    return {ScriptedServer::answer(200, "{}")};
}

loop::Task<Response> answer_when(const std::atomic<bool>& open) {
    while (!open) co_await loop::sleep_for(std::chrono::milliseconds{1});
    co_return json_response(200, "{}");
}

class ClientPoolTest : public ::testing::Test {
 protected:
    ClientPoolTest() {
        base::start_logging(base::LogLevel::off, base::LogFormat::text);
        loop_.start();
        config_.call_timeout = 5s;
    }
    ~ClientPoolTest() override {
        loop_.stop();
        loop_.join();
    }

    ClientPool& pool(std::vector<std::string> urls) {
        config_.urls = std::move(urls);
        pool_ = std::make_unique<ClientPool>(loop_.executor(), clock_, config_);
        return *pool_;
    }
    std::future<base::Result<Response>> begin(Call call) {
        return boost::asio::co_spawn(loop_.executor(), pool_->send(std::move(call)), boost::asio::use_future);
    }
    base::Result<Response> send(Call call) { return begin(std::move(call)).get(); }
    /// The status, or minus the error of the client.
    int outcome(Call call) {
        const auto answer = send(std::move(call));
        return answer ? answer->status : -answer.error().value();
    }
    static int failed(errc code) { return -static_cast<int>(code); }

    base::FakeClock clock_;
    ClientPoolConfig config_;
    loop::EventLoop loop_{"calls"};
    std::unique_ptr<ClientPool> pool_;
};

TEST_F(ClientPoolTest, KeepsItsConnections) {
    ScriptedServer server{good};
    pool({server.url()});
    for (int i = 0; i < 5; ++i) EXPECT_EQ(outcome(i % 2 == 0 ? reading() : changing()), 200);
    EXPECT_EQ(server.connections(), 1);
    EXPECT_EQ(server.requests(), 5);
}

TEST_F(ClientPoolTest, TakesAnotherConnectionWhenTheServerWantsToClose) {
    ScriptedServer server{
        [](const std::string&) { return Reply{ScriptedServer::answer(200, "{}", "Connection: close\r\n")}; }};
    pool({server.url()});
    for (int i = 0; i < 3; ++i) EXPECT_EQ(outcome(changing()), 200);
    EXPECT_EQ(server.connections(), 3);
}

TEST_F(ClientPoolTest, LetsConnectionsGoThatWereIdleForTooLong) {
    ScriptedServer server{good};
    pool({server.url()});
    EXPECT_EQ(outcome(reading()), 200);
    clock_.advance(config_.idle_max + 1s);
    EXPECT_EQ(outcome(reading()), 200);
    EXPECT_EQ(server.connections(), 2);
}

TEST_F(ClientPoolTest, DoesNotHoldOnToWhatABusyMomentLeftBehind) {
    ProbeServer probe;
    std::atomic<bool> open{false};
    probe.router.add({Method::get, "/x", Access::open(), [&](const RoutedRequest&) { return answer_when(open); }});
    probe.start();
    pool({"http://127.0.0.1:" + std::to_string(probe.server->port())});
    std::vector<std::future<base::Result<Response>>> calls;
    for (int i = 0; i < 8; ++i) calls.push_back(begin(reading()));
    EXPECT_TRUE(eventually([&] { return probe.server->connections() == 8; }));
    open = true;
    for (auto& call : calls) EXPECT_EQ(call.get()->status, 200);
    for (int i = 0; i < 5; ++i) {
        clock_.advance(config_.idle_max / 4);
        EXPECT_EQ(outcome(reading()), 200);
    }
    EXPECT_TRUE(eventually([&] { return probe.server->connections() == 1; }));
}

TEST_F(ClientPoolTest, AKeptConnectionThatTheServerClosedCostsNoCall) {
    ScriptedServer server{good};
    pool({server.url()});
    EXPECT_EQ(outcome(changing()), 200);
    server.stop();
    server.start();
    EXPECT_EQ(outcome(changing()), 200);
    EXPECT_EQ(server.requests(), 2);
}

TEST_F(ClientPoolTest, SendsWhatItWasGiven) {
    std::string seen;
    ScriptedServer server{[&](const std::string& request) {
        seen = request;
        return Reply{ScriptedServer::answer(201, "{\"a\":1}", "X-Y: z\r\n")};
    }};
    pool({server.url() + "/base/"});
    auto call = changing();
    call.headers.set("X-A", "b\r\nX-Evil: 1");
    const auto answer = send(std::move(call));
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->body, "{\"a\":1}");
    EXPECT_EQ(answer->headers.get("x-y"), "z");
    EXPECT_TRUE(seen.starts_with("POST /base/x HTTP/1.1\r\nHost: 127.0.0.1:")) << seen;
    EXPECT_EQ(seen.find("\r\nX-Evil"), std::string::npos);
    EXPECT_TRUE(seen.ends_with("\r\nContent-Length: 2\r\n\r\n{}")) << seen;
}

TEST_F(ClientPoolTest, EndsInTimeWhenTheServerIsSlow) {
    ScriptedServer server{[](const std::string&) { return Reply{ScriptedServer::answer(200, "{}"), false, 30s}; }};
    config_.call_timeout = 100ms;
    pool({server.url()});
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(outcome(changing()), failed(errc::timeout));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(ClientPoolTest, EndsInTimeWhenAnAnswerNeverGetsWhole) {
    ScriptedServer server{[](const std::string&) { return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"}; }};
    config_.call_timeout = 100ms;
    pool({server.url()});
    EXPECT_EQ(outcome(changing()), failed(errc::timeout));
}

TEST_F(ClientPoolTest, RefusesAnAnswerThatIsTooLarge) {
    ScriptedServer server{
        [](const std::string&) { return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nab"}; }};
    pool({server.url()});
    EXPECT_EQ(outcome(changing()), failed(errc::response_too_large));
    ScriptedServer headers{
        [](const std::string&) { return Reply{"HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')}; }};
    pool({headers.url()});
    EXPECT_EQ(outcome(changing()), failed(errc::response_too_large));
}

TEST_F(ClientPoolTest, RefusesWhatIsNoAnswer) {
    ScriptedServer server{[](const std::string&) { return Reply{"SSH-2.0-OpenSSH\r\n\r\n"}; }};
    pool({server.url()});
    EXPECT_EQ(outcome(changing()), failed(errc::malformed_response));
}

TEST_F(ClientPoolTest, AServerThatClosesInMidAnswerIsNotAskedAgainForAChange) {
    ScriptedServer server{[](const std::string&) {
        return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", true};
    }};
    ScriptedServer other{good};
    pool({server.url(), other.url()});
    EXPECT_EQ(outcome(changing()), failed(errc::closed));
    EXPECT_EQ(server.requests() + other.requests(), 1);
}

TEST_F(ClientPoolTest, WhatMayBeRepeatedIsAskedOfAnotherServer) {
    ScriptedServer server{[](const std::string&) {
        return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", true};
    }};
    ScriptedServer other{good};
    pool({server.url(), other.url()});
    EXPECT_EQ(outcome(reading()), 200);
    EXPECT_EQ(server.requests(), 1);
    EXPECT_EQ(other.requests(), 1);
}

TEST_F(ClientPoolTest, A503IsTriedElsewhereOnlyWhenItMayBe) {
    ScriptedServer server{[](const std::string&) { return Reply{ScriptedServer::answer(503, "{}")}; }};
    ScriptedServer other{good};
    pool({server.url(), other.url()});
    EXPECT_EQ(outcome(reading()), 200);
    pool({server.url(), other.url()});
    EXPECT_EQ(outcome(changing()), 503);
    pool({server.url()});
    EXPECT_EQ(outcome(reading()), 503);
}

TEST_F(ClientPoolTest, WhatWasNeverSentGoesToAnotherServer) {
    ScriptedServer away{good};
    away.stop();
    ScriptedServer other{good};
    pool({away.url(), other.url()});
    for (int i = 0; i < 4; ++i) EXPECT_EQ(outcome(changing()), 200);
    EXPECT_EQ(other.requests(), 4);
}

TEST_F(ClientPoolTest, SpreadsCallsOverTheServers) {
    ScriptedServer one{good};
    ScriptedServer two{good};
    pool({one.url(), two.url()});
    for (int i = 0; i < 10; ++i) EXPECT_EQ(outcome(changing()), 200);
    EXPECT_EQ(one.requests(), 5);
    EXPECT_EQ(two.requests(), 5);
}

TEST_F(ClientPoolTest, AServerThatRefusesIsLeftAloneAndTriedAgainLater) {
    ScriptedServer server{good};
    server.stop();
    pool({server.url()});
    EXPECT_NE(outcome(reading()), 200);
    EXPECT_FALSE(pool_->hopeful());
    server.start();
    // It is back, but was away a moment ago.
    EXPECT_EQ(outcome(reading()), failed(errc::left_alone));
    EXPECT_EQ(server.requests(), 0);
    clock_.advance(config_.pause_min + 1ms);
    EXPECT_EQ(outcome(reading()), 200);
    EXPECT_TRUE(pool_->hopeful());
    EXPECT_EQ(outcome(reading()), 200);
}

TEST_F(ClientPoolTest, ThePauseGrowsAsLongAsItStaysAway) {
    ScriptedServer server{good};
    server.stop();
    pool({server.url()});
    EXPECT_NE(outcome(reading()), 200);
    clock_.advance(config_.pause_min + 1ms);
    EXPECT_NE(outcome(reading()), failed(errc::left_alone)) << "one call tries";
    server.start();
    clock_.advance(config_.pause_min + 1ms);
    EXPECT_EQ(outcome(reading()), failed(errc::left_alone)) << "twice as long now";
    clock_.advance(config_.pause_min + 1ms);
    EXPECT_EQ(outcome(reading()), 200);
}

TEST_F(ClientPoolTest, ServersThatAreRestartedOneAfterTheOtherAreNeverAllLeftAlone) {
    ScriptedServer one{good};
    ScriptedServer two{good};
    pool({one.url(), two.url()});
    for (int i = 0; i < 3; ++i) {
        // Quicker than any pause: the clock stands still.
        for (auto* const server : {&one, &two}) {
            server->stop();
            for (int call = 0; call < 4; ++call) EXPECT_EQ(outcome(reading()), 200) << i;
            server->start();
        }
    }
    EXPECT_TRUE(pool_->hopeful());
}

TEST_F(ClientPoolTest, ServersThatAreAllAwayAreTriedOnceMoreAndThenLeftAlone) {
    ScriptedServer one{good};
    ScriptedServer two{good};
    pool({one.url(), two.url()});
    for (int i = 0; i < 2; ++i) EXPECT_EQ(outcome(reading()), 200);
    one.stop();
    two.stop();
    for (int i = 0; i < 2; ++i) EXPECT_NE(outcome(reading()), failed(errc::left_alone));
    EXPECT_FALSE(pool_->hopeful());
    for (int i = 0; i < 4; ++i) EXPECT_EQ(outcome(reading()), failed(errc::left_alone));
}

TEST_F(ClientPoolTest, AFewFailuresInARowOpenTheBreaker) {
    std::atomic<bool> fails{true};  // asked on the server's thread
    ScriptedServer server{[&](const std::string&) { return fails ? Reply{"", true} : good({}); }};
    pool({server.url()});
    for (int i = 0; i < config_.failures_max; ++i) EXPECT_EQ(outcome(changing()), failed(errc::closed)) << i;
    EXPECT_EQ(outcome(changing()), failed(errc::left_alone));
    EXPECT_EQ(server.requests(), config_.failures_max);
    fails = false;
    clock_.advance(config_.pause_min + 1ms);
    EXPECT_EQ(outcome(changing()), 200);
}

TEST_F(ClientPoolTest, AnAnswerInBetweenKeepsItClosed) {
    std::atomic<int> count{0};
    ScriptedServer server{[&](const std::string&) {
        return ++count % config_.failures_max == 0 ? good({}) : Reply{"", true};
    }};
    pool({server.url()});
    for (int i = 0; i < 12; ++i) EXPECT_NE(outcome(changing()), failed(errc::left_alone)) << i;
    EXPECT_EQ(server.requests(), 12);
}

TEST_F(ClientPoolTest, HalfOpenOneCallTriesAndTheOthersWaitForItsOutcome) {
    std::promise<void> let_go;
    const auto gate = let_go.get_future().share();
    ScriptedServer server{[&](const std::string&) {
        gate.wait();
        return good({});
    }};
    server.stop();
    pool({server.url()});
    EXPECT_NE(outcome(reading()), 200);
    server.start();
    clock_.advance(config_.pause_min + 1ms);
    auto probe = begin(reading());
    EXPECT_TRUE(eventually([&] { return server.requests() == 1; }));
    EXPECT_EQ(outcome(reading()), failed(errc::left_alone));
    let_go.set_value();
    EXPECT_EQ(probe.get()->status, 200);
    EXPECT_EQ(outcome(reading()), 200);
}

TEST_F(ClientPoolTest, WhatIsUnderWayAndWhatWaitsAreBounded) {
    std::promise<void> let_go;
    const auto gate = let_go.get_future().share();
    ScriptedServer server{[&](const std::string&) {
        gate.wait();
        return good({});
    }};
    config_.calls_max = 2;
    config_.waiting_max = 1;
    pool({server.url()});
    std::vector<std::future<base::Result<Response>>> calls;
    for (int i = 0; i < 3; ++i) calls.push_back(begin(reading()));
    EXPECT_TRUE(eventually([&] { return server.requests() == 2; }));
    EXPECT_EQ(outcome(reading()), failed(errc::overloaded));
    let_go.set_value();
    for (auto& call : calls) EXPECT_EQ(call.get()->status, 200);
    EXPECT_EQ(server.connections(), 2);
}

TEST_F(ClientPoolTest, RefusesUrlsAndFilesThatAreNoGood) {
    for (const auto* bad : {"", "ftp://a", "localhost:3002", "http://", "http://a?x=1"}) {
        EXPECT_THROW(pool({bad}), std::invalid_argument) << bad;
    }
    EXPECT_THROW(pool({}), std::invalid_argument);
    config_.tls_ca_file = "/nowhere/ca.pem";
    EXPECT_THROW(pool({"https://a"}), std::invalid_argument);
}

class ClientPoolTls : public ClientPoolTest {
 protected:
    static const base::testing::Certificates& certificates() {
        static const base::testing::Certificates made;
        return made;
    }
    static ScriptedServer::Tls tls(const std::string& name) {
        return {certificates().certificate(name), certificates().key(name)};
    }
    void trust(const std::string& name) { config_.tls_ca_file = certificates().certificate(name); }
};

TEST_F(ClientPoolTls, CallsOverTlsAndKeepsTheConnection) {
    ScriptedServer server{good, tls("server")};
    trust("ca");
    pool({server.url()});
    for (int i = 0; i < 3; ++i) EXPECT_EQ(outcome(changing()), 200);
    EXPECT_EQ(server.connections(), 1);
    pool({"https://localhost:" + std::to_string(server.port())});
    EXPECT_EQ(outcome(changing()), 200);
}

TEST_F(ClientPoolTls, TalksToNobodyWhoseCertificateIsNotGood) {
    ScriptedServer server{good, tls("server")};
    trust("stranger");
    pool({server.url()});
    EXPECT_LE(outcome(changing()), 0);
    config_.tls_ca_file.clear();
    pool({server.url()});
    EXPECT_LE(outcome(changing()), 0);
    ScriptedServer elsewhere{good, tls("elsewhere")};
    trust("ca");
    pool({elsewhere.url()});
    EXPECT_LE(outcome(changing()), 0);
    EXPECT_EQ(server.requests() + elsewhere.requests(), 0);
}

TEST_F(ClientPoolTls, AServerWithoutTlsIsNotTakenForOne) {
    ScriptedServer server{good};
    trust("ca");
    config_.connect_timeout = 200ms;
    pool({"https://127.0.0.1:" + std::to_string(server.port())});
    EXPECT_LE(outcome(changing()), 0);
}

}  // namespace
}  // namespace carillon::http
