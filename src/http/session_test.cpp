#include "http/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "http/testing/probe_server.hpp"

namespace carillon::http {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kGet = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

loop::Task<Response> say_hello(std::string path) {
    co_return json_response(200, "\"hello " + path + "\"");
}
loop::Task<Response> echo(std::string body) {
    co_return json_response(200, std::move(body));
}
loop::Task<Response> fail() {
    co_await loop::yield_now();
    throw std::runtime_error{"expected by the test"};
}

class Sessions : public ::testing::Test {
 protected:
    ProbeServer& serve(ServerConfig config = {}) {
        server_ = std::make_unique<ProbeServer>(std::move(config));
        auto& router = server_->router;
        router.add(
            {Method::get, "/hello", Access::open(), [](const RoutedRequest& r) { return say_hello(r.request.query); }});
        router.add(
            {Method::post, "/echo", Access::open(), [](const RoutedRequest& r) { return echo(r.request.body); }, 100});
        router.add({Method::get, "/fail", Access::open(), [](const RoutedRequest&) { return fail(); }});
        server_->start();
        return *server_;
    }

    std::unique_ptr<ProbeServer> server_;
};

TEST_F(Sessions, AnswersAndKeepsTheConnection) {
    auto client = serve().connect();
    for (int i = 0; i < 3; ++i) {
        client.send(kGet);
        const auto got = client.read_response();
        EXPECT_THAT(got, StartsWith("HTTP/1.1 200 OK\r\n"));
        EXPECT_THAT(got, HasSubstr("Content-Type: application/json\r\n"));
        EXPECT_THAT(got, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
        EXPECT_THAT(got, HasSubstr("\r\nDate: "));
        EXPECT_THAT(got, Not(HasSubstr("Access-Control")));
        EXPECT_THAT(got, Not(HasSubstr("Connection")));
        EXPECT_THAT(got, ::testing::EndsWith("\r\n\r\n\"hello \""));
    }
}

TEST_F(Sessions, AnswersPipelinedRequestsInOrder) {
    auto client = serve().connect();
    std::string all;
    for (int i = 0; i < 50; ++i) all += "GET /hello?" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(all);
    for (int i = 0; i < 50; ++i) EXPECT_THAT(client.read_response(), HasSubstr("\"hello " + std::to_string(i) + "\""));
}

TEST_F(Sessions, ClosesWhenAskedTo) {
    for (const auto* bytes :
         {"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /hello HTTP/1.0\r\n\r\n"}) {
        auto client = (server_ ? *server_ : serve()).connect();
        client.send(bytes);
        const auto got = client.read_until_closed();
        ASSERT_TRUE(got) << bytes;
        EXPECT_THAT(*got, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Connection: close\r\n")));
    }
}

TEST_F(Sessions, TellsAnOldClientThatTheConnectionStays) {
    auto client = serve().connect();
    client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(client.read_response(), HasSubstr("Connection: keep-alive\r\n"));
    client.send(kGet);
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Sessions, AnswersHeadWithoutABody) {
    auto client = serve().connect();
    client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto got = client.read_response(true);
    EXPECT_THAT(got, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Length: 8\r\n")));
    client.send(kGet);
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Sessions, RefusesGarbageWithAProblemAndCloses) {
    struct Case {
        std::string bytes;
        std::string status;
        std::string code;
    };
    const Case cases[] = {
        {std::string{"\x16\x03\x01\x02\x00\x01\x00", 7}, "400", "bad_request"},
        {"GET / HTTP/1.1\nHost: a\n\n", "400", "bad_request"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
         "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
         "400", "bad_request"},
        {"GET /hello HTTP/3.0\r\nHost: a\r\n\r\n", "505", "http_version_not_supported"},
        {"GET /hello HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", "431", "headers_too_large"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501", "not_implemented"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", "417", "expectation_failed"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk", "400", "bad_request"},
    };
    serve();
    for (const auto& c : cases) {
        auto client = server_->connect();
        client.send(c.bytes);
        const auto got = client.read_until_closed();
        ASSERT_TRUE(got) << c.bytes;
        EXPECT_THAT(*got, StartsWith("HTTP/1.1 " + c.status + " ")) << c.bytes;
        EXPECT_THAT(*got, HasSubstr("Content-Type: application/problem+json\r\n"));
        EXPECT_THAT(*got, HasSubstr("Connection: close\r\n"));
        EXPECT_THAT(*got, HasSubstr("\"code\":\"" + c.code + "\""));
        EXPECT_EQ(got->find("HTTP/1.1", 8), std::string::npos) << "a second answer to " << c.bytes;
    }
}

TEST_F(Sessions, RefusesABodyOverTheRoutesLimit) {
    serve();
    const std::string big(101, 'x');
    const std::string requests[] = {
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 101\r\n\r\n" + big,
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900000000\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + big + "\r\n0\r\n\r\n"};
    for (const auto& bytes : requests) {
        auto client = server_->connect();
        client.send(bytes);
        const auto got = client.read_response();
        EXPECT_THAT(got, StartsWith("HTTP/1.1 413 ")) << bytes;
        EXPECT_THAT(got, HasSubstr("\"code\":\"payload_too_large\""));
        EXPECT_TRUE(client.read_until_closed());
    }
}

TEST_F(Sessions, DeliversTheRefusalToAClientThatIsStillSending) {
    auto client = serve().connect();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n");
    client.send(std::string(4'000'000, 'x'));
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(Sessions, ReadsABodyInPiecesAndInChunks) {
    auto client = serve().connect();
    const std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    client.send(head + "Content-Length: 6\r\n\r\n[1,");
    client.send("23]");
    EXPECT_THAT(client.read_response(), HasSubstr("\r\n\r\n[1,23]"));
    client.send(head + "Transfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n");
    EXPECT_THAT(client.read_response(), HasSubstr("\r\n\r\n[1]"));
}

TEST_F(Sessions, SaysContinueToAClientThatWaitsForIt) {
    auto client = serve().connect();
    client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: "
        "2\r\n\r\n");
    EXPECT_EQ(client.read_response(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("{}");
    EXPECT_THAT(client.read_response(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("{}")));
}

TEST_F(Sessions, AnswersFiveHundredWhenAHandlerThrowsAndGoesOn) {
    auto client = serve().connect();
    client.send("GET /fail HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(client.read_response(), AllOf(StartsWith("HTTP/1.1 500"), HasSubstr("\"code\":\"internal\""),
                                              Not(HasSubstr("expected by the test"))));
    client.send(kGet);
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Sessions, CutsASlowHeadWith408) {
    ServerConfig config;
    config.header_timeout = 60ms;
    auto client = serve(config).connect();
    client.send("GET /hello HTTP/1.1\r\n");
    const auto got = client.read_until_closed();
    ASSERT_TRUE(got);
    EXPECT_THAT(*got, AllOf(StartsWith("HTTP/1.1 408"), HasSubstr("\"code\":\"request_timeout\"")));
}

TEST_F(Sessions, CutsADrippingHeadThatNeverEnds) {
    ServerConfig config;
    config.header_timeout = 60ms;
    auto client = serve(config).connect();
    client.send("GET /hello HTTP/1.1\r\n");
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    std::optional<std::string> got;
    while (!got && std::chrono::steady_clock::now() < deadline) {
        client.send("X: y\r\n");
        got = client.read_until_closed(10ms);
    }
    EXPECT_TRUE(got);
}

TEST_F(Sessions, CutsASlowBodyWith408) {
    ServerConfig config;
    config.body_timeout = 60ms;
    auto client = serve(config).connect();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123");
    const auto got = client.read_until_closed();
    ASSERT_TRUE(got);
    EXPECT_THAT(*got, StartsWith("HTTP/1.1 408"));
}

TEST_F(Sessions, ClosesAnIdleConnectionWithoutAWord) {
    ServerConfig config;
    config.idle_timeout = 60ms;
    auto client = serve(config).connect();
    client.send(kGet);
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(client.read_until_closed(), "");
}

TEST_F(Sessions, ClosesAConnectionThatNeverSpeaks) {
    ServerConfig config;
    config.header_timeout = 60ms;
    auto client = serve(config).connect();
    EXPECT_EQ(client.read_until_closed(), "");
}

TEST_F(Sessions, SurviveAClientThatResetsOrLeavesMidway) {
    serve();
    for (const auto* bytes : {"", "GET /he", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123", kGet}) {
        auto polite = server_->connect();
        polite.send(bytes);
        polite.close();
        auto rude = server_->connect();
        rude.send(bytes);
        rude.abort();
    }
    EXPECT_TRUE(eventually([&] { return server_->server->connections() == 0; }));
    auto client = server_->connect();
    client.send(kGet);
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Sessions, StillAnswersAClientThatHasClosedItsSendingSide) {
    auto client = serve().connect();
    client.send(kGet);
    client.finish_sending();
    const auto got = client.read_until_closed();
    ASSERT_TRUE(got);
    EXPECT_THAT(*got, StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace carillon::http
