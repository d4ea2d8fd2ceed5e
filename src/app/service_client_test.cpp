#include "app/service_client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>

#include "app/http_auth_api.hpp"
#include "app/http_notification_api.hpp"
#include "base/log.hpp"
#include "base/testing/fake_clock.hpp"
#include "http/server.hpp"
#include "http/testing/scripted_server.hpp"
#include "loop/event_loop.hpp"

namespace carillon::app {
namespace {

using http::ScriptedServer;
using Reply = ScriptedServer::Reply;
using gateway::Caller;

const base::UserId kAnn = *base::UserId::parse("6f1c0a52-6d0e-4f0e-9a34-4a1f0f6f5a01");

/// A service that says whatever the test wants.
class ServiceClientTest : public ::testing::Test {
 protected:
    ServiceClientTest() {
        base::start_logging(base::LogLevel::off, base::LogFormat::text);
        loop_.start();
        http::ClientPoolConfig config;
        config.urls = {server_.url()};
        config.failures_max = 1'000;
        pool_ = std::make_unique<http::ClientPool>(loop_.executor(), clock_, config);
        client_ = std::make_unique<ServiceClient>(*pool_, tokens_, clock_, "notification");
    }
    ~ServiceClientTest() override {
        server_.stop();
        loop_.stop();
        loop_.join();
    }

    template <class T>
    T run(loop::Task<T> task) {
        return boost::asio::co_spawn(loop_.executor(), std::move(task), boost::asio::use_future).get();
    }
    void answers(int status, const std::string& body, const std::string& fields = {}) {
        reply_ = {ScriptedServer::answer(status, body, fields)};
    }
    static std::string field(const std::string& request, const std::string& name) {
        const auto at = request.find("\r\n" + name + ": ");
        if (at == std::string::npos) return {};
        const auto begin = at + name.size() + 4;
        return request.substr(begin, request.find("\r\n", begin) - begin);
    }

    base::FakeClock clock_;
    Reply reply_{ScriptedServer::answer(200, "{}")};
    std::string request_;
    ScriptedServer server_{[this](const std::string& request) {
        request_ = request;
        return reply_;
    }};
    token::InternalTokens tokens_{"an internal secret with thirty-two bytes or more"};
    loop::EventLoop loop_{"calls"};
    std::unique_ptr<http::ClientPool> pool_;
    std::unique_ptr<ServiceClient> client_;
};

TEST_F(ServiceClientTest, ShowsAnInternalTokenThatIsGoodNow) {
    EXPECT_TRUE(run(client_->send({})));
    const auto bearer = field(request_, "Authorization");
    ASSERT_TRUE(bearer.starts_with("Bearer "));
    const auto caller = tokens_.verify(bearer.substr(7), clock_.now());
    ASSERT_TRUE(caller) << caller.error().message();
    EXPECT_EQ(*caller, "gateway");
}

TEST_F(ServiceClientTest, AServiceThatRefusesTheTokenIsAMistakeOfOursAndNotTheCallers) {
    // Its clock is ahead, say, or its secret is another.
    answers(401, contracts::encode_problem(contracts::problem_token_expired()));
    const auto answer = run(client_->send({}));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().status, 503);
    EXPECT_EQ(answer.error().code, "unavailable");
    const auto passed_on = run(client_->send({}, ServiceClient::Refusals::are_answers));
    ASSERT_TRUE(passed_on);
    EXPECT_EQ(passed_on->status, 401);
}

loop::Task<http::Response> well() {
    co_return http::json_response(200, "{}");
}

TEST_F(ServiceClientTest, ClocksThatDifferMakeItUnavailableUntilTheyAgree) {
    base::FakeClock theirs;
    metrics::Registry metrics;
    http::Router router{theirs, metrics, {nullptr, &tokens_}, "notifications"};
    router.add({http::Method::get, "/x", http::Access::internal(), [](const http::RoutedRequest&) { return well(); }});
    http::Server server{loop_.executor(), {}, theirs, router, nullptr};
    server.start();
    http::ClientPoolConfig config;
    config.urls = {"http://127.0.0.1:" + std::to_string(server.port())};
    http::ClientPool pool{loop_.executor(), clock_, config};
    ServiceClient client{pool, tokens_, clock_, "notification"};
    const auto outcome = [&] {
        http::Call call;
        call.target = "/x";
        const auto answer = run(client.send(std::move(call)));
        return answer ? answer->status : answer.error().status;
    };
    EXPECT_EQ(outcome(), 200);
    theirs.advance(std::chrono::seconds{50});
    EXPECT_EQ(outcome(), 200) << "a token is long enough for that";
    theirs.advance(std::chrono::seconds{50});
    EXPECT_EQ(outcome(), 503) << "theirs is ahead";
    clock_.advance(std::chrono::seconds{103});
    EXPECT_EQ(outcome(), 200) << "ours is ahead by a little";
    clock_.advance(std::chrono::seconds{60});
    EXPECT_EQ(outcome(), 503) << "ours is ahead";
    theirs.advance(std::chrono::seconds{63});
    EXPECT_EQ(outcome(), 200);
    std::promise<void> closed;
    loop::post(loop_.executor(), [&] {
        server.close();
        closed.set_value();
    });
    closed.get_future().wait();
    // Sessions and calls end on the loop, and use what is declared above.
    loop_.stop();
    loop_.join();
}

TEST_F(ServiceClientTest, WithoutAnAnswerItIsUnavailable) {
    reply_ = {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", true};
    EXPECT_EQ(run(client_->send({})).error().code, "unavailable");
    server_.stop();
    EXPECT_EQ(run(client_->send({})).error().code, "unavailable");
    EXPECT_FALSE(run(client_->ready()));
}

TEST_F(ServiceClientTest, IsReadyWhenTheServiceSaysSoOrSaysItElsewhere) {
    EXPECT_TRUE(run(client_->ready()));
    EXPECT_TRUE(request_.starts_with("GET /readyz "));
    answers(404, "{}");
    EXPECT_TRUE(run(client_->ready())) << "with --ops-port it is not served there";
    answers(503, "{}");
    EXPECT_FALSE(run(client_->ready()));
}

TEST_F(ServiceClientTest, ProblemsKeepTheirCodeAndTheirRetryAfter) {
    answers(429, contracts::encode_problem(contracts::problem_rate_limited(7)), "Retry-After: 7\r\n");
    HttpNotificationApi api{*client_};
    const auto refused = run(api.list(Caller{kAnn, {}}, 20, {}, {}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "rate_limited");
    EXPECT_EQ(refused.error().retry_after_s, 7);
    answers(502, "<html>bad gateway</html>");
    EXPECT_EQ(run(api.list(Caller{kAnn, {}}, 20, {}, {})).error().code, "internal");
    answers(503, "<html>no server</html>");
    EXPECT_EQ(run(api.list(Caller{kAnn, {}}, 20, {}, {})).error().code, "unavailable");
}

TEST_F(ServiceClientTest, WhatTheContractDoesNotKnowIsInternal) {
    HttpNotificationApi api{*client_};
    for (const auto* nonsense : {"", "{", "{}", "[]", R"({"counts":"x"})", R"({"data":[{}],"nextCursor":null})"}) {
        answers(200, nonsense);
        EXPECT_EQ(run(api.list(Caller{kAnn, {}}, 20, {}, {})).error().code, "internal") << nonsense;
        EXPECT_EQ(run(api.counts({kAnn})).error().code, "internal") << nonsense;
        EXPECT_EQ(run(api.sync(Caller{kAnn, {}}, 0, 20)).error().code, "internal") << nonsense;
        EXPECT_EQ(run(api.read_all(Caller{kAnn, {}}, {})).error().code, "internal") << nonsense;
    }
    answers(200, R"({"counts":[]})");
    EXPECT_EQ(run(api.counts({kAnn})).error().code, "internal") << "fewer than asked for";
}

TEST_F(ServiceClientTest, AMarkIsNotUnknownBecauseItsServiceDoesNotKnowTheRoute) {
    HttpNotificationApi api{*client_};
    const auto id = base::NotificationId::generate(base::system_clock());
    answers(404, contracts::encode_problem(contracts::problem_not_found()));
    EXPECT_EQ(run(api.mark_read(Caller{kAnn, {}}, id)).error().code, "unavailable");
    answers(200, R"({"results":[{"status":404,"problem":)" + contracts::encode_problem(contracts::problem_not_found()) +
                     "}]}");
    EXPECT_EQ(run(api.mark_read(Caller{kAnn, {}}, id)).error().code, "not_found");
    answers(200, R"({"results":[]})");
    EXPECT_EQ(run(api.mark_read(Caller{kAnn, {}}, id)).error().code, "internal") << "fewer than asked for";
}

TEST_F(ServiceClientTest, SaysForWhomAndUnderWhichTraceAndKey) {
    HttpNotificationApi api{*client_};
    const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    run(api.read_all(Caller{kAnn, trace, "key-1"}, 7));
    EXPECT_TRUE(request_.starts_with("POST /notification/read-all "));
    EXPECT_EQ(field(request_, "traceparent"), trace);
    EXPECT_EQ(field(request_, "Idempotency-Key"), "key-1");
    EXPECT_EQ(field(request_, "Carillon-On-Behalf-Of"), kAnn.to_string());
    EXPECT_EQ(field(request_, "Content-Type"), "application/json");
    EXPECT_TRUE(request_.ends_with(R"({"userId":")" + kAnn.to_string() + R"(","before":"7"})")) << request_;
}

TEST_F(ServiceClientTest, ACursorIsEncoded) {
    HttpNotificationApi api{*client_};
    run(api.list(Caller{kAnn, {}}, 20, "a b&c=\xC3\xA9/~", "unread"));
    EXPECT_NE(request_.find("&cursor=a%20b%26c%3D%C3%A9%2F~&status=unread "), std::string::npos) << request_;
}

TEST_F(ServiceClientTest, ForwardsOfAClientsRequestWhatIsForTheServiceAndOfItsAnswerWhatIsForTheClient) {
    HttpAuthApi api{*client_};
    http::Request request;
    request.method = http::Method::post;
    request.path = "/auth/login";
    request.body = "{}";
    request.remote_address = "192.0.2.9";
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Cookie", "a=b");
    request.headers.add("X-Secret", "not for services");
    request.headers.add("Authorization", "Bearer user");
    answers(200, "{\"a\":1}", "Set-Cookie: c=d\r\nSet-Cookie: e=f\r\nServer: x\r\nDate: never\r\nRetry-After: 3\r\n");
    const auto response = run(api.forward(request));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "{\"a\":1}");
    EXPECT_EQ(response.headers.count("Set-Cookie"), 2U);
    EXPECT_EQ(response.headers.get("Retry-After"), "3");
    EXPECT_FALSE(response.headers.has("Server"));
    EXPECT_FALSE(response.headers.has("Date"));
    EXPECT_FALSE(response.headers.has("Content-Length"));
    EXPECT_EQ(field(request_, "Cookie"), "a=b");
    EXPECT_EQ(request_.find("X-Secret"), std::string::npos);
    EXPECT_NE(field(request_, "Authorization"), "Bearer user");
}

}  // namespace
}  // namespace carillon::app
