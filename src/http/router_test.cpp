#include "http/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "base/log.hpp"
#include "base/testing/fake_clock.hpp"

namespace carillon::http {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSecret = "a secret of at least thirty-two bytes";
const std::string kInternalSecret = "another secret of at least 32 bytes";

loop::Task<Response> answer(std::string text) {
    co_return json_response(200, std::move(text));
}

std::string describe(const RoutedRequest& routed) {
    std::string out;
    for (const auto& value : routed.path_values) out += "[" + value + "]";
    if (routed.user) out += " user " + routed.user->user_id.to_string();
    if (!routed.service.empty()) out += " service " + routed.service;
    return out;
}

loop::Task<Response> throw_at_once() {
    throw std::runtime_error{"expected by the test"};
    co_return Response{};
}

Handler named(std::string name) {
    return [name = std::move(name)](const RoutedRequest& routed) { return answer(name + describe(routed)); };
}

class RouterTable : public ::testing::Test {
 protected:
    RouterTable() {
        [[maybe_unused]] static const bool quiet =
            (base::start_logging(base::LogLevel::off, base::LogFormat::text), true);
        router_.add({Method::get, "/", Access::open(), named("root")});
        router_.add({Method::get, "/things", Access::open(), named("list")});
        router_.add({Method::post, "/things", Access::open(), named("create"), 10});
        router_.add({Method::get, "/things/{id}", Access::open(), named("one")});
        router_.add({Method::get, "/things/count", Access::open(), named("count")});
        router_.add({Method::post, "/things/{id}/read/{what}", Access::open(), named("read")});
        router_.add({Method::get, "/mine", Access::user(), named("mine")});
        router_.add({Method::post, "/marks", Access::permission({"notification:update", "admin"}), named("marks")});
        router_.add({Method::get, "/inside", Access::internal(), named("inside")});
        router_.add({Method::get, "/throws", Access::open(), [](const RoutedRequest&) { return throw_at_once(); }});
    }

    Response ask(Method method, std::string path, Headers headers = {}, std::string body = {}, bool too_large = false) {
        Request request;
        request.method = method;
        request.method_text = method == Method::other ? "BREW" : std::string{method_name(method)};
        request.target = request.path = std::move(path);
        request.headers = std::move(headers);
        request.body = std::move(body);
        Response out;
        boost::asio::io_context io;
        loop::spawn(io.get_executor(), run(request, out, too_large), "ask");
        io.run();
        return out;
    }
    Response ask_with(std::string path, std::string authorization, Method method = Method::get) {
        Headers headers;
        headers.add("Authorization", std::move(authorization));
        return ask(method, std::move(path), std::move(headers));
    }
    std::string user_token(const std::vector<std::string>& permissions, std::chrono::seconds lifetime = 60s) {
        return signer_.sign(user_, permissions, lifetime, clock_.now());
    }

    base::FakeClock clock_;
    metrics::Registry metrics_;
    const base::UserId user_ = *base::UserId::parse("01890a5d-ac96-774b-bcce-b302099a8057");
    const token::UserTokenSigner signer_{kSecret, "carillon", "carillon"};
    const std::unique_ptr<token::UserTokenVerifier> verifier_ = token::make_secret_verifier(kSecret, {});
    const token::InternalTokens internal_{kInternalSecret};
    Router router_{clock_, metrics_, {verifier_.get(), &internal_}, "test"};

 private:
    loop::Task<void> run(Request& request, Response& out, bool too_large) {
        out = co_await router_.handle(request, too_large);
    }
};

TEST_F(RouterTable, FindsTheRouteOfAPath) {
    const struct {
        Method method;
        const char* path;
        int status;
        const char* body;
    } cases[] = {
        {Method::get, "/", 200, "root"},
        {Method::get, "/things", 200, "list"},
        {Method::get, "/things/7", 200, "one[7]"},
        {Method::get, "/things/a b", 200, "one[a b]"},
        {Method::get, "/things/count", 200, "count"},
        {Method::post, "/things/7/read/all", 200, "read[7][all]"},
        {Method::head, "/things/7", 200, "one[7]"},
        {Method::get, "/things/", 404, "not_found"},
        {Method::get, "//things", 404, "not_found"},
        {Method::get, "/Things", 404, "not_found"},
        {Method::get, "/things/7/8", 404, "not_found"},
        {Method::get, "/thing", 404, "not_found"},
        {Method::get, "/{id}", 404, "not_found"},
        {Method::options, "/nothing", 404, "not_found"},
        {Method::del, "/things", 405, "method_not_allowed"},
        {Method::other, "/things", 405, "method_not_allowed"},
        {Method::head, "/things/7/read/all", 405, "method_not_allowed"},
        {Method::post, "/things/count", 405, "method_not_allowed"},
        {Method::get, "/throws", 500, "\"internal\""},
    };
    for (const auto& c : cases) {
        const auto got = ask(c.method, c.path);
        EXPECT_EQ(got.status, c.status) << method_name(c.method) << ' ' << c.path;
        EXPECT_THAT(got.body, HasSubstr(c.body)) << method_name(c.method) << ' ' << c.path;
        EXPECT_EQ(got.headers.get("content-type"), c.status == 200 ? "application/json" : "application/problem+json");
    }
}

TEST_F(RouterTable, TellsWhichMethodsAPathTakes) {
    const auto options = ask(Method::options, "/things");
    EXPECT_EQ(options.status, 204);
    EXPECT_EQ(options.headers.get("allow"), ask(Method::del, "/things").headers.get("allow"));
    for (const auto* method : {"GET", "HEAD", "POST", "OPTIONS"})
        EXPECT_THAT(options.headers.get("allow"), HasSubstr(method));
    EXPECT_THAT(ask(Method::get, "/marks").headers.get("allow"), Not(HasSubstr("GET")));
}

TEST_F(RouterTable, AsksForAUserToken) {
    const auto good = user_token({"notification:read"});
    const auto old = user_token({"notification:read"}, -10s);
    const struct {
        std::string authorization;
        int status;
        const char* body;
        const char* challenge;
    } cases[] = {
        {"", 401, "\"unauthorized\"", "Bearer realm="},
        {"Basic abc", 401, "\"token_invalid\"", "error=\"invalid_token\""},
        {"Bearer nonsense", 401, "\"token_invalid\"", "error=\"invalid_token\""},
        {"Bearer " + internal_.sign("gateway", clock_.now()), 401, "\"token_invalid\"", "error=\"invalid_token\""},
        {"Bearer " + old, 401, "\"token_expired\"", "error=\"invalid_token\""},
        {"Bearer " + good, 200, "mine user 01890a5d-ac96-774b-bcce-b302099a8057", ""},
        {"bearer " + good, 200, "mine user", ""},
    };
    for (const auto& c : cases) {
        const auto got = c.authorization.empty() ? ask(Method::get, "/mine") : ask_with("/mine", c.authorization);
        EXPECT_EQ(got.status, c.status) << c.authorization;
        EXPECT_THAT(got.body, HasSubstr(c.body));
        EXPECT_THAT(got.headers.get("www-authenticate"), HasSubstr(c.challenge));
    }
}

TEST_F(RouterTable, AsksForOneOfThePermissions) {
    const auto status = [this](const std::vector<std::string>& permissions) {
        return ask_with("/marks", "Bearer " + user_token(permissions), Method::post).status;
    };
    EXPECT_EQ(status({"notification:update"}), 200);
    EXPECT_EQ(status({"admin"}), 200);
    EXPECT_EQ(status({"notification:read"}), 403);
    EXPECT_EQ(status({}), 403);
}

TEST_F(RouterTable, AsksForAnInternalToken) {
    EXPECT_EQ(ask(Method::get, "/inside").status, 401);
    EXPECT_EQ(ask_with("/inside", "Bearer " + user_token({"admin"})).status, 401);
    const auto got = ask_with("/inside", "Bearer " + internal_.sign("gateway", clock_.now()));
    EXPECT_EQ(got.status, 200);
    EXPECT_THAT(got.body, HasSubstr("service gateway"));
}

TEST_F(RouterTable, TakesJsonBodiesOnly) {
    const struct {
        const char* type;
        const char* body;
        int status;
    } cases[] = {
        {"application/json", "{}", 200},
        {"Application/JSON; charset=utf-8", "{}", 200},
        {"application/merge-patch+json", "{}", 200},
        {"text/plain", "{}", 415},
        {"application/jsonx", "{}", 415},
        {"application/x-www-form-urlencoded", "a=b", 415},
        {"", "{}", 415},
        {"", "", 200},
        {"text/plain", "", 200},
    };
    for (const auto& c : cases) {
        Headers headers;
        if (*c.type != '\0') headers.add("Content-Type", c.type);
        EXPECT_EQ(ask(Method::post, "/things", headers, c.body).status, c.status) << c.type << ' ' << c.body;
    }
}

TEST_F(RouterTable, RefusesALargeBodyAfterPathAndToken) {
    EXPECT_EQ(ask(Method::post, "/things", {}, {}, true).status, 413);
    EXPECT_EQ(ask(Method::post, "/nothing", {}, {}, true).status, 404);
    EXPECT_EQ(ask(Method::post, "/marks", {}, {}, true).status, 401);
    Request head;
    head.method = Method::post;
    head.path = "/things";
    EXPECT_EQ(router_.body_bytes_max(head), 10U);
}

TEST_F(RouterTable, CountsByPatternAndStatus) {
    ask(Method::get, "/things/7");
    ask(Method::get, "/things/8");
    ask(Method::get, "/nothing/9");
    const auto text = metrics_.render();
    EXPECT_THAT(text, HasSubstr("carillon_http_requests_total{route=\"/things/{id}\",status=\"200\"} 2"));
    EXPECT_THAT(text, HasSubstr("carillon_http_requests_total{route=\"unmatched\",status=\"404\"} 1"));
    EXPECT_THAT(text, HasSubstr("carillon_http_request_duration_seconds_count{route=\"/things/{id}\"} 2"));
    EXPECT_THAT(text, Not(HasSubstr("/things/7")));
}

TEST_F(RouterTable, RefusesATableThatCannotWork) {
    Router router{clock_, metrics_, {}, "bare"};
    EXPECT_THROW(router.add({Method::get, "/a", Access::user(), named("a")}), std::logic_error);
    EXPECT_THROW(router.add({Method::get, "/a", Access::internal(), named("a")}), std::logic_error);
    EXPECT_THROW(router.add({Method::get, "a", Access::open(), named("a")}), std::logic_error);
    router.add({Method::get, "/a", Access::open(), named("a")});
    EXPECT_THROW(router.add({Method::get, "/a", Access::open(), named("a")}), std::logic_error);
}

TEST(ProblemResponse, CarriesTheHeadersOfItsStatus) {
    const auto unavailable = problem_response(contracts::problem_unavailable(7));
    EXPECT_EQ(unavailable.headers.get("retry-after"), "7");
    contracts::Problem limited;
    limited.status = 429;
    EXPECT_EQ(problem_response(limited).headers.get("retry-after"), "1");
    EXPECT_EQ(problem_response(contracts::problem_not_found()).headers.get("cache-control"), "no-store");
}

}  // namespace
}  // namespace carillon::http
