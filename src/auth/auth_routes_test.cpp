#include "auth/auth_routes.hpp"

#include <gmock/gmock.h>

#include "auth/auth_fixture.hpp"

namespace carillon::auth {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

class AuthRoutesTest : public AuthFixture {
 protected:
    AuthRoutesTest() { add_auth_routes(router, *service); }

    http::Request request(http::Method method, std::string path, std::string body = "") {
        http::Request made;
        made.method = method;
        made.method_text = http::method_name(method);
        made.target = path;
        made.path = std::move(path);
        made.body = std::move(body);
        made.remote_address = "127.0.0.1";
        if (!made.body.empty()) made.headers.set("Content-Type", "application/json");
        made.headers.set("Authorization", "Bearer " + internal.sign("gateway", clock.now()));
        made.headers.set(std::string{kClientAddressHeader}, "192.0.2.7");
        return made;
    }
    http::Response send(http::Request made) { return run(router.handle(made)); }
    http::Response post(std::string path, std::string body) {
        return send(request(http::Method::post, std::move(path), std::move(body)));
    }
    http::Response me(const std::string& authorization) {
        auto made = request(http::Method::get, "/auth/me");
        if (!authorization.empty()) made.headers.set(std::string{kUserAuthorizationHeader}, authorization);
        return send(std::move(made));
    }

    std::unique_ptr<AuthService> service = make_service();
    http::Router router{clock, metrics, {nullptr, &internal}, "auth"};
};

const std::string kAda = R"({"email":"ada@example.com","password":"correct horse battery staple","name":"Ada"})";

TEST_F(AuthRoutesTest, RegisterLogInAndMeSpeakTheContract) {
    const auto registered = post("/auth/register", kAda);
    EXPECT_EQ(registered.status, 201);
    EXPECT_EQ(registered.headers.get("cache-control"), "no-store");
    const auto first = contracts::decode_auth_answer(registered.body);
    ASSERT_TRUE(first) << registered.body;
    EXPECT_EQ(first->user.name, "Ada");

    const auto logged_in =
        post("/auth/login", R"({"email":"ADA@example.com","password":"correct horse battery staple"})");
    EXPECT_EQ(logged_in.status, 200);
    const auto second = contracts::decode_auth_answer(logged_in.body);
    ASSERT_TRUE(second) << logged_in.body;
    EXPECT_EQ(second->user, first->user);

    const auto own = me("Bearer " + second->access_token);
    EXPECT_EQ(own.status, 200);
    const auto answer = contracts::decode_me_answer(own.body);
    ASSERT_TRUE(answer) << own.body;
    EXPECT_EQ(answer->id, first->user.id);
    EXPECT_EQ(answer->email, "ada@example.com");
    EXPECT_EQ(answer->name, "Ada");
    EXPECT_EQ(answer->permissions.size(), 2U);
    for (const auto& response : {registered, logged_in, own}) EXPECT_THAT(response.body, Not(HasSubstr("argon2")));
}

TEST_F(AuthRoutesTest, RefuseWithTheRightProblem) {
    ASSERT_EQ(post("/auth/register", kAda).status, 201);
    const struct {
        const char* path;
        std::string body;
        int status;
        const char* part;
    } cases[] = {
        {"/auth/register", kAda, 409, "\"code\":\"email_taken\""},
        {"/auth/register", "{", 400, "invalid_json"},
        {"/auth/register", "", 400, "invalid_json"},
        {"/auth/register", "[]", 422, "invalid_payload"},
        {"/auth/register", R"({"email":"b@example.com"})", 422, "\"path\":\"/password\""},
        {"/auth/register", R"({"email":"b@example.com","password":"short"})", 422, "\"path\":\"/password\""},
        {"/auth/register", R"({"email":"b@example.com","password":"bbbbbbbbbb"})", 422, "\"path\":\"/password\""},
        {"/auth/register", R"({"email":"b@example.com","password":"B@example.com"})", 422, "\"path\":\"/password\""},
        {"/auth/register", R"({"email":"no address","password":"a fine password"})", 422, "\"path\":\"/email\""},
        {"/auth/register", R"({"email":"b@example.com","password":"a fine password","name":""})", 422,
         "\"path\":\"/name\""},
        {"/auth/login", R"({"email":"ada@example.com","password":"wrong password"})", 401, "invalid_credentials"},
        {"/auth/login", R"({"email":"nobody@example.com","password":"wrong password"})", 401, "invalid_credentials"},
        {"/auth/login", R"({"email":"ada@example.com"})", 422, "\"path\":\"/password\""},
        {"/auth/nothing", "{}", 404, "not_found"},
        {"/auth/me", "{}", 405, "method_not_allowed"},
    };
    for (const auto& test : cases) {
        const auto response = post(test.path, test.body);
        EXPECT_EQ(response.status, test.status) << test.path << " " << test.body << ": " << response.body;
        EXPECT_THAT(response.body, HasSubstr(test.part)) << test.path << " " << test.body;
        EXPECT_EQ(response.headers.get("content-type"), contracts::kProblemContentType);
        for (const char* secret : {"wrong password", "bbbbbbbbbb", "a fine password", "horse"}) {
            EXPECT_THAT(response.body, Not(HasSubstr(secret)));
        }
    }
}

TEST_F(AuthRoutesTest, AnswerUnknownAccountsAndWrongPasswordsAlike) {
    ASSERT_EQ(post("/auth/register", kAda).status, 201);
    const auto known = post("/auth/login", R"({"email":"ada@example.com","password":"wrong password"})");
    const auto unknown = post("/auth/login", R"({"email":"nobody@example.com","password":"wrong password"})");
    EXPECT_EQ(known.status, unknown.status);
    EXPECT_EQ(known.body, unknown.body);
    EXPECT_EQ(known.headers.all(), unknown.headers.all());
}

TEST_F(AuthRoutesTest, NeedAnInternalToken) {
    const auto user_token = signer.sign(base::UserId::generate(clock), {"admin"}, 60s, clock.now());
    const std::pair<http::Method, const char*> routes[] = {{http::Method::post, "/auth/register"},
                                                           {http::Method::post, "/auth/login"},
                                                           {http::Method::post, "/auth/logout"},
                                                           {http::Method::post, "/auth/refresh"},
                                                           {http::Method::post, "/users/x/revocations"},
                                                           {http::Method::get, "/revocations/0/x"},
                                                           {http::Method::get, "/auth/me"},
                                                           {http::Method::get, "/.well-known/jwks.json"}};
    for (const auto& [method, path] : routes) {
        for (const std::string& authorization : {std::string{}, "Bearer " + user_token, std::string{"Bearer x"}}) {
            auto made = request(method, path);
            made.headers.set("Authorization", authorization);
            EXPECT_EQ(send(std::move(made)).status, 401) << path << " " << authorization;
        }
    }
}

TEST_F(AuthRoutesTest, TakeTheClientsAddressFromTheGateway) {
    const std::string wrong = R"({"email":"ada@example.com","password":"wrong password"})";
    for (int i = 0; i < 10; ++i) EXPECT_EQ(post("/auth/login", wrong).status, 401);
    const auto limited = post("/auth/login", wrong);
    EXPECT_EQ(limited.status, 429);
    EXPECT_EQ(limited.headers.get("retry-after"), "60");
    EXPECT_THAT(limited.body, HasSubstr("\"code\":\"rate_limited\""));
    auto from_elsewhere = request(http::Method::post, "/auth/login", wrong);
    from_elsewhere.headers.set(std::string{kClientAddressHeader}, "192.0.2.8");
    EXPECT_EQ(send(std::move(from_elsewhere)).status, 401);
}

TEST_F(AuthRoutesTest, RefuseAForwardingHeaderThatComesTwice) {
    for (const auto name : {kClientAddressHeader, kUserAuthorizationHeader}) {
        auto made = request(http::Method::post, "/auth/login", R"({"email":"a@b.c","password":"wrong password"})");
        made.headers.add(std::string{name}, "one");
        made.headers.add(std::string{name}, "two");
        EXPECT_EQ(send(std::move(made)).status, 400) << name;
    }
}

TEST_F(AuthRoutesTest, MeWorksForUsersWhoLiveElsewhere) {
    const auto user = base::UserId::generate(clock);
    const auto response = me("Bearer " + signer.sign(user, {"notification:read", "a\"b"}, 60s, clock.now()));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, R"({"id":")" + user.to_string() +
                                 R"(","email":null,"name":null,"permissions":["notification:read","a\"b"]})");
    EXPECT_TRUE(contracts::decode_me_answer(response.body)) << "as the contract says";
}

TEST_F(AuthRoutesTest, MeRefusesTokensThatAreNoGood) {
    const auto expired = signer.sign(base::UserId::generate(clock), {}, 60s, clock.now() - 60s);
    const std::pair<std::string, const char*> cases[] = {{"", "\"code\":\"unauthorized\""},
                                                         {"Bearer " + expired, "\"code\":\"token_expired\""},
                                                         {"Bearer nonsense", "\"code\":\"token_invalid\""}};
    for (const auto& [authorization, code] : cases) {
        const auto response = me(authorization);
        EXPECT_EQ(response.status, 401) << authorization;
        EXPECT_THAT(response.body, HasSubstr(code));
        EXPECT_THAT(response.headers.get("www-authenticate"), ::testing::StartsWith("Bearer"));
    }
    EXPECT_EQ(failures("token_expired"), 1);
}

TEST_F(AuthRoutesTest, LogOutAndJwksAnswerWithNothing) {
    EXPECT_EQ(post("/auth/logout", "").status, 204);
    const auto keys = send(request(http::Method::get, "/.well-known/jwks.json"));
    EXPECT_EQ(keys.status, 200);
    EXPECT_EQ(keys.body, R"({"keys":[]})");
}

TEST_F(AuthRoutesTest, AnswerOverloadWith503AndRetryAfter) {
    const auto problem = to_problem(AuthFailure{errc::overloaded});
    EXPECT_EQ(problem.status, 503);
    EXPECT_EQ(http::problem_response(problem).headers.get("retry-after"), "1");
    EXPECT_EQ(to_problem(AuthFailure{errc::unavailable}).status, 503);
}

}  // namespace
}  // namespace carillon::auth
