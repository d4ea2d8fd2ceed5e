#include "http/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <future>

#include "base/testing/certificates.hpp"
#include "http/response_parser.hpp"
#include "http/testing/probe_server.hpp"
#include "http/testing/scripted_server.hpp"

namespace carillon::http {
namespace {

using namespace std::chrono_literals;

struct ResponseCase {
    const char* what;
    std::string bytes;
    int outcome;  ///< the status; 0: more is needed; minus the errc
    std::string body = {};
};

TEST(ResponseParser, JudgesEachOfTheseHoweverTheyArrive) {
    const ResponseCase cases[] = {
        {"a length", "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", 201, "{}"},
        {"no body", "HTTP/1.1 204 No Content\r\n\r\n", 204},
        {"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 200, "{}"},
        {"no chunk but the last", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200},
        {"after an interim answer", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", 200,
         "a"},
        {"until the end", "HTTP/1.0 200 OK\r\n\r\nabc", 0, "abc"},
        {"half a head", "HTTP/1.1 200 OK\r\nContent-", 0},
        {"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", 0, "ab"},
        {"garbage", "SSH-2.0-OpenSSH\r\n\r\n", -static_cast<int>(errc::malformed_response)},
        {"a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
         -static_cast<int>(errc::malformed_response)},
        {"too long a body", "HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n",
         -static_cast<int>(errc::response_too_large)},
        {"too long a head", "HTTP/1.1 200 OK\r\nX: " + std::string(300, 'x'),
         -static_cast<int>(errc::response_too_large)},
    };
    for (const auto& c : cases) {
        for (const std::size_t step : {std::size_t{1}, std::size_t{1000}}) {
            ResponseParser parser{false, 256, 32};
            std::string inbox;
            base::Result<bool> done = false;
            for (std::size_t at = 0; at < c.bytes.size() && done && !*done; at += step) {
                inbox += c.bytes.substr(at, step);
                done = parser.read(inbox);
            }
            const int outcome = !done ? -done.error().value() : *done ? parser.response().status : 0;
            EXPECT_EQ(outcome, c.outcome) << c.what << ", " << step << " bytes at a time";
            EXPECT_EQ(done ? parser.response().body : "", c.body) << c.what;
        }
    }
}

TEST(ParseUrl, TakesHttpUrlsOnly) {
    const auto good = parse_url("http://localhost:3000/a?b=c");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->host, "localhost");
    EXPECT_EQ(good->port, "3000");
    EXPECT_EQ(good->authority, "localhost:3000");
    EXPECT_EQ(good->target, "/a?b=c");
    EXPECT_EQ(parse_url("HTTP://a")->port, "80");
    EXPECT_EQ(parse_url("http://a?x")->target, "/?x");
    EXPECT_EQ(parse_url("http://[::1]:81/")->host, "::1");
    for (const auto* bad : {"", "a", "https://a", "http://", "http:///x", "http://a:b", "http://a:123456", "http://u@a",
                            "http://a/ b", "http://a/\r\nX: y", "http://[::1", "http://[::1]x"}) {
        EXPECT_EQ(parse_url(bad).error(), make_error_code(errc::bad_url)) << bad;
    }
}

loop::Task<void> store(std::string url, Method method, std::string body, std::chrono::milliseconds timeout,
                       std::string ca_file, base::Result<Response>& out) {
    Headers headers;
    headers.add("Content-Type", "application/json");
    out =
        co_await request_once(std::move(url), method, std::move(headers), std::move(body), timeout, std::move(ca_file));
}

base::Result<Response> ask(std::string url, Method method = Method::get, std::string body = {},
                           std::chrono::milliseconds timeout = 5s, std::string ca_file = {}) {
    boost::asio::io_context io;
    base::Result<Response> out{errc::closed};
    loop::spawn(io.get_executor(), store(std::move(url), method, std::move(body), timeout, std::move(ca_file), out),
                "ask");
    io.run();
    return out;
}

loop::Task<Response> echo(std::string body) {
    co_return json_response(201, std::move(body));
}

TEST(RequestOnce, AsksOverTlsAndBelievesNoStranger) {
    const base::testing::Certificates made;
    ScriptedServer server{[](const std::string&) { return ScriptedServer::Reply{ScriptedServer::answer(200, "{}")}; },
                          {made.certificate("server"), made.key("server")}};
    const auto url = "https://localhost:" + std::to_string(server.port()) + "/x?y=z";
    const auto answer = ask(url, Method::get, {}, 5s, made.certificate("ca"));
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->status, 200);
    EXPECT_FALSE(ask(url, Method::get, {}, 5s, made.certificate("stranger")));
    EXPECT_FALSE(ask(url));
    EXPECT_EQ(server.requests(), 1);
}

TEST(RequestOnce, GetsAnAnswerFromAServer) {
    ProbeServer probe;
    probe.router.add(
        {Method::post, "/echo", Access::open(), [](const RoutedRequest& r) { return echo(r.request.body); }});
    probe.router.add(
        {Method::get, "/echo", Access::open(), [](const RoutedRequest& r) { return echo(r.request.query); }});
    probe.start();
    const auto url = "http://localhost:" + std::to_string(probe.server->port()) + "/echo";
    const auto posted = ask(url, Method::post, "{\"a\":1}");
    ASSERT_TRUE(posted) << posted.error().message();
    EXPECT_EQ(posted->status, 201);
    EXPECT_EQ(posted->body, "{\"a\":1}");
    EXPECT_EQ(posted->headers.get("content-type"), "application/json");
    const auto got = ask(url + "?x=1");
    ASSERT_TRUE(got);
    EXPECT_EQ(got->body, "x=1");
    const auto head = ask(url + "?x=1", Method::head);
    ASSERT_TRUE(head) << head.error().message();
    EXPECT_EQ(head->body, "");
    const auto refused = ask(url, Method::post, std::string(1'000'000, ' '));
    ASSERT_TRUE(refused) << refused.error().message();
    EXPECT_EQ(refused->status, 413);
}

TEST(RequestOnce, SaysWhyThereIsNone) {
    boost::asio::io_context io;
    using boost::asio::ip::tcp;
    tcp::acceptor silent{io, {boost::asio::ip::address_v4::loopback(), 0}};
    const auto port = std::to_string(silent.local_endpoint().port());
    EXPECT_EQ(ask("http://127.0.0.1:" + port, Method::get, {}, 50ms).error(), make_error_code(errc::timeout));
    silent.close();
    EXPECT_EQ(ask("http://127.0.0.1:" + port).error(), boost::system::errc::connection_refused);
    EXPECT_EQ(ask("ftp://127.0.0.1").error(), make_error_code(errc::bad_url));
}

}  // namespace
}  // namespace carillon::http
