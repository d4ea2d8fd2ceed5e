// What every adapter of `gateway::AuthApi` must do: the direct one, and the one over HTTP.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <functional>
#include <future>

#include "app/direct_auth_api.hpp"
#include "app/http_auth_api.hpp"
#include "auth/auth_routes.hpp"
#include "auth/auth_service.hpp"
#include "base/log.hpp"
#include "contracts/problem.hpp"
#include "http/ops_routes.hpp"
#include "http/server.hpp"
#include "loop/event_loop.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_revocation_store.hpp"
#include "store/sqlite/sqlite_session_store.hpp"
#include "store/sqlite/sqlite_user_store.hpp"

namespace carillon::app {
namespace {

using namespace std::chrono_literals;
using gateway::AuthApi;

const std::string kUserSecret = "the users' secret in these tests, long";

auth::AuthConfig cheap_config() {
    auth::AuthConfig config;
    config.hashing = {.passes = 1, .memory_bytes = 8 * 1024, .threads = 2, .queue_max = 64};
    config.failed_logins_per_account_and_client = 2;
    return config;
}

/// The auth service on SQLite, in a folder of its own.
class Backend {
 public:
    Backend() {
        auth::add_auth_routes(router, service);
        http::add_ops_routes(router, metrics, [this] { return readiness(service); });
        loop_.start();
    }
    ~Backend() {
        lose_store();
        loop_.stop();
        loop_.join();
        std::filesystem::remove_all(folder_);
    }
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;

    loop::Executor executor() { return loop_.executor(); }
    void lose_store() { database_.close(); }

 private:
    static store::SqliteOptions options(const std::filesystem::path& folder) {
        store::SqliteOptions chosen;
        chosen.directory = folder;
        return chosen;
    }
    static loop::Task<http::Readiness> readiness(auth::AuthService& service) {
        const bool ready = co_await service.ready();
        http::Readiness answer;
        answer.dependencies.push_back(http::Readiness::Dependency{"store", ready, {}});
        co_return answer;
    }

    const std::filesystem::path folder_{
        std::filesystem::temp_directory_path() /
        ("carillon-auth-api-" + base::EventId::generate(base::system_clock()).to_string())};
    loop::EventLoop loop_{"service"};

 public:
    const base::Clock& clock = base::system_clock();
    metrics::Registry metrics;

 private:
    store::SqliteDatabase database_{options(folder_), metrics};
    store::SqliteUserStore users_{database_};
    store::SqliteSessionStore sessions_{database_};
    store::SqliteRevocationStore revocations_{database_};
    token::UserTokenSigner signer_{kUserSecret, "carillon", "carillon"};
    auth::RefreshTokens refresh_tokens_{"an internal secret with thirty-two bytes or more"};
    std::unique_ptr<token::UserTokenVerifier> verifier_ = token::make_secret_verifier(kUserSecret, {});

 public:
    token::InternalTokens internal_tokens{"an internal secret with thirty-two bytes or more"};
    auth::AuthService service{
        {users_, sessions_, revocations_}, {signer_, *verifier_, refresh_tokens_}, clock, metrics, cheap_config()};
    http::Router router{clock, metrics, {verifier_.get(), &internal_tokens}, "auth"};
};

class ApiUnderTest {
 public:
    virtual ~ApiUnderTest() = default;
    virtual AuthApi& api() = 0;
    virtual void lose_store() = 0;
};

class DirectUnderTest final : public ApiUnderTest {
 public:
    AuthApi& api() override { return api_; }
    void lose_store() override { backend_.lose_store(); }

 private:
    Backend backend_;
    DirectAuthApi api_{backend_.executor(), backend_.router, backend_.service, backend_.internal_tokens,
                       backend_.clock};
};

class HttpUnderTest final : public ApiUnderTest {
 public:
    HttpUnderTest() {
        server_ = std::make_unique<http::Server>(backend_.executor(), http::ServerConfig{}, backend_.clock,
                                                 backend_.router, nullptr);
        server_->start();
        calls_.start();
        http::ClientPoolConfig config;
        config.urls = {"http://127.0.0.1:" + std::to_string(server_->port())};
        pool_ = std::make_unique<http::ClientPool>(calls_.executor(), backend_.clock, config);
        client_ = std::make_unique<ServiceClient>(*pool_, backend_.internal_tokens, backend_.clock, "auth");
        api_ = std::make_unique<HttpAuthApi>(*client_);
    }
    ~HttpUnderTest() override {
        calls_.stop();
        calls_.join();
        std::promise<void> closed;
        loop::post(backend_.executor(), [&] {
            server_.reset();  // on its own thread
            closed.set_value();
        });
        closed.get_future().wait();
    }
    AuthApi& api() override { return *api_; }
    void lose_store() override { backend_.lose_store(); }

 private:
    Backend backend_;
    std::unique_ptr<http::Server> server_;
    loop::EventLoop calls_{"calls"};
    std::unique_ptr<http::ClientPool> pool_;
    std::unique_ptr<ServiceClient> client_;
    std::unique_ptr<HttpAuthApi> api_;
};

using Factory = std::function<std::unique_ptr<ApiUnderTest>()>;

class AuthApiConformance : public ::testing::TestWithParam<Factory> {
 protected:
    void SetUp() override {
        base::start_logging(base::LogLevel::off, base::LogFormat::text);
        shard_.start();
        under_test_ = GetParam()();
    }
    void TearDown() override {
        under_test_.reset();
        shard_.stop();
        shard_.join();
    }

    template <class T>
    T run(loop::Task<T> task) {
        return boost::asio::co_spawn(shard_.executor(), std::move(task), boost::asio::use_future).get();
    }
    /// As the gateway has it from a client.
    http::Response send(http::Method method, std::string path, std::string body = {}, std::string authorization = {},
                        std::string address = "192.0.2.1") {
        http::Request request;
        request.method = method;
        request.path = request.target = std::move(path);
        request.body = std::move(body);
        if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
        if (!authorization.empty()) request.headers.set("Authorization", std::move(authorization));
        request.remote_address = std::move(address);
        // What a client may not decide.
        request.headers.set(std::string{auth::kClientAddressHeader}, "203.0.113.66");
        request.headers.set(std::string{auth::kUserAuthorizationHeader}, "Bearer forged");
        return run(under_test_->api().forward(request));
    }
    http::Response sign_up(const std::string& email) {
        return send(http::Method::post, "/auth/register",
                    R"({"email":")" + email + R"(","password":"correct horse battery"})");
    }
    http::Response log_in(const std::string& email, const std::string& password, const std::string& address) {
        return send(http::Method::post, "/auth/login", R"({"email":")" + email + R"(","password":")" + password + "\"}",
                    {}, address);
    }
    static std::string token_of(const http::Response& response) {
        const auto at = response.body.find("\"accessToken\":\"");
        if (at == std::string::npos) return {};
        const auto begin = at + 15;
        return response.body.substr(begin, response.body.find('"', begin) - begin);
    }
    static std::string code_of(const http::Response& response) {
        const auto problem = contracts::decode_problem(response.body);
        return problem ? problem->code : "no problem";
    }

    loop::EventLoop shard_{"shard"};
    std::unique_ptr<ApiUnderTest> under_test_;
};

TEST_P(AuthApiConformance, PassesRegistrationLogInAndItsAnswersOn) {
    const auto made = sign_up("ada@example.test");
    EXPECT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.headers.get("Content-Type"), "application/json");
    const auto taken = sign_up("ada@example.test");
    EXPECT_EQ(taken.status, 409);
    EXPECT_EQ(code_of(taken), "email_taken");
    const auto weak = send(http::Method::post, "/auth/register", R"({"email":"no"})");
    EXPECT_EQ(weak.status, 422);
    EXPECT_EQ(code_of(weak), "invalid_payload");
    EXPECT_EQ(log_in("ada@example.test", "correct horse battery", "192.0.2.1").status, 200);
    EXPECT_EQ(code_of(log_in("ada@example.test", "wrong", "192.0.2.1")), "invalid_credentials");
    EXPECT_EQ(send(http::Method::post, "/auth/login", "{").status, 400);
}

TEST_P(AuthApiConformance, TellsTheServiceWhoTheUserIsAndNothingThatTheClientMadeUp) {
    const auto made = sign_up("ada@example.test");
    const auto me = send(http::Method::get, "/auth/me", {}, "Bearer " + token_of(made));
    EXPECT_EQ(me.status, 200) << me.body;
    EXPECT_NE(me.body.find("ada@example.test"), std::string::npos) << me.body;
    const auto nobody = send(http::Method::get, "/auth/me");
    EXPECT_EQ(nobody.status, 401) << nobody.body;
    EXPECT_EQ(send(http::Method::get, "/auth/me", {}, "Bearer x").status, 401);
}

TEST_P(AuthApiConformance, CountsFailuresUnderTheClientsOwnAddress) {
    sign_up("ada@example.test");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(log_in("ada@example.test", "wrong", "192.0.2.7").status, 401);
    const auto limited = log_in("ada@example.test", "correct horse battery", "192.0.2.7");
    EXPECT_EQ(limited.status, 429);
    EXPECT_FALSE(limited.headers.get("Retry-After").empty());
    EXPECT_EQ(log_in("ada@example.test", "correct horse battery", "192.0.2.8").status, 200);
}

TEST_P(AuthApiConformance, IsReadyWhileTheStoreIsAnd503WithoutIt) {
    EXPECT_TRUE(run(under_test_->api().ready()));
    under_test_->lose_store();
    EXPECT_FALSE(run(under_test_->api().ready()));
    const auto refused = sign_up("ada@example.test");
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(code_of(refused), "unavailable");
    EXPECT_FALSE(refused.headers.get("Retry-After").empty());
}

INSTANTIATE_TEST_SUITE_P(Direct, AuthApiConformance,
                         ::testing::Values(Factory{[] { return std::make_unique<DirectUnderTest>(); }}));
INSTANTIATE_TEST_SUITE_P(Http, AuthApiConformance,
                         ::testing::Values(Factory{[] { return std::make_unique<HttpUnderTest>(); }}));

}  // namespace
}  // namespace carillon::app
