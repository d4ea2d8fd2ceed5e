#include "app/jwks_source.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <mutex>

#include "base/log.hpp"
#include "base/testing/certificates.hpp"
#include "http/testing/probe_server.hpp"
#include "http/testing/scripted_server.hpp"
#include "loop/event_loop.hpp"
#include "token/base64url.hpp"
#include "token/forged_token.hpp"

namespace carillon::app {
namespace {

using namespace std::chrono_literals;
using http::ScriptedServer;
using token::ForgingKey;

std::string set_of(const ForgingKey& key, const std::string& id) {
    return R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":")" + id + R"(","x":")" +
           token::base64url_encode(key.raw_public_key()) + "\"}]}";
}

std::string token_of(const ForgingKey& key, const std::string& id) {
    const auto now = std::chrono::floor<std::chrono::seconds>(base::system_clock().now()).time_since_epoch().count();
    return key.forge(R"({"alg":"EdDSA","typ":"at+jwt","kid":")" + id + "\"}",
                     fmt::format(R"({{"iss":"carillon","aud":"carillon","sub":"019abcde-0123-7000-8000-0123456789ab",)"
                                 R"("iat":{},"exp":{},"permissions":[]}})",
                                 now, now + 60));
}

class JwksSourceTest : public ::testing::Test {
 protected:
    JwksSourceTest() {
        base::start_logging(base::LogLevel::off, base::LogFormat::text);
        loop_.start();
    }
    ~JwksSourceTest() override {
        if (source_) source_->stop();
        loop_.stop();
        loop_.join();
    }

    JwksSource& make(std::string url) {
        config_.url = std::move(url);
        source_ = std::make_unique<JwksSource>(loop_.executor(), base::system_clock(), config_);
        return *source_;
    }
    base::Result<std::string, JwksSource::Failure> fetch() {
        return boost::asio::co_spawn(loop_.executor(), source_->fetch(), boost::asio::use_future).get();
    }
    void publish(std::string text) {
        const std::lock_guard lock{mutex_};
        published_ = std::move(text);
    }
    ScriptedServer::Script script() {
        return [this](const std::string& request) {
            const std::lock_guard lock{mutex_};
            last_request_ = request;
            return ScriptedServer::Reply{published_.empty() ? ScriptedServer::answer(500, "")
                                                            : ScriptedServer::answer(200, published_)};
        };
    }
    static bool good(const token::UserTokenVerifier& verifier, const std::string& text) {
        return verifier.verify(text, base::system_clock().now()).has_value();
    }

    std::mutex mutex_;
    std::string published_;  // Guarded by mutex_
    std::string last_request_;
    JwksSourceConfig config_;
    loop::EventLoop loop_{"jwks"};
    std::unique_ptr<JwksSource> source_;
};

TEST_F(JwksSourceTest, ReadsTheSetFromItsUrl) {
    ScriptedServer server{script()};
    publish("{\"keys\":[]}");
    make(server.url() + "/realms/x/certs?v=1");
    const auto set = fetch();
    ASSERT_TRUE(set) << set.error().reason;
    EXPECT_EQ(*set, "{\"keys\":[]}");
    EXPECT_TRUE(last_request_.starts_with("GET /realms/x/certs?v=1 HTTP/1.1\r\n")) << last_request_;
    make(server.url());
    EXPECT_TRUE(fetch());
    EXPECT_TRUE(last_request_.starts_with("GET / HTTP/1.1\r\n")) << last_request_;
}

TEST_F(JwksSourceTest, SaysWhyItCannot) {
    ScriptedServer server{script()};
    make(server.url());
    EXPECT_EQ(fetch().error().reason, "it answers 500");
    publish(std::string(config_.bytes_max + 1, ' '));
    EXPECT_NE(fetch().error().reason.find("more than"), std::string::npos);
    server.stop();
    EXPECT_FALSE(fetch().error().reason.empty());
    EXPECT_THROW(make("ftp://a/b"), std::invalid_argument);
    EXPECT_THROW(make("http://user@a/b"), std::invalid_argument);
}

TEST_F(JwksSourceTest, TakesNewKeysWhenATokenNamesOneItDoesNotKnow) {
    const auto old_key = ForgingKey::ed25519();
    const auto new_key = ForgingKey::ed25519();
    ScriptedServer server{script()};
    publish(set_of(old_key, "old"));
    config_.retry_interval = 20ms;
    auto& source = make(server.url());
    const auto verifier = source.verify_with(*fetch(), {});
    source.start();
    EXPECT_TRUE(good(*verifier, token_of(old_key, "old")));
    publish(set_of(new_key, "new"));
    EXPECT_TRUE(http::eventually([&] { return good(*verifier, token_of(new_key, "new")); }));
    EXPECT_FALSE(good(*verifier, token_of(old_key, "old"))) << "what is no longer published is no longer good";
}

TEST_F(JwksSourceTest, KeepsItsKeysWhileTheServerIsAwayOrTalksNonsense) {
    const auto key = ForgingKey::ed25519();
    const auto other = ForgingKey::ed25519();
    ScriptedServer server{script()};
    publish(set_of(key, "k"));
    config_.retry_interval = 20ms;
    config_.reload_interval = 40ms;
    auto& source = make(server.url());
    const auto verifier = source.verify_with(*fetch(), {});
    source.start();
    for (const auto* text : {"", "{\"keys\":[]}", "no json", "[1,2]"}) {
        publish(text);
        const int before = server.requests();
        EXPECT_TRUE(http::eventually([&] { return server.requests() >= before + 3; })) << text;
        EXPECT_TRUE(good(*verifier, token_of(key, "k"))) << text;
    }
    publish(set_of(other, "o"));
    EXPECT_TRUE(http::eventually([&] { return good(*verifier, token_of(other, "o")); }));
}

TEST_F(JwksSourceTest, UnknownKeysDoNotMakeItAskWithoutEnd) {
    const auto key = ForgingKey::ed25519();
    ScriptedServer server{script()};
    publish(set_of(key, "k"));
    config_.retry_interval = 1h;
    auto& source = make(server.url());
    const auto verifier = source.verify_with(*fetch(), {});
    source.start();
    const auto until = std::chrono::steady_clock::now() + 600ms;
    while (std::chrono::steady_clock::now() < until) EXPECT_FALSE(good(*verifier, token_of(key, "nobody's")));
    EXPECT_EQ(server.requests(), 1);
}

TEST_F(JwksSourceTest, ReadsOverTlsFromWhomItTrusts) {
    const base::testing::Certificates certificates;
    ScriptedServer server{script(), {certificates.certificate("server"), certificates.key("server")}};
    publish("{\"keys\":[]}");
    config_.ca_file = certificates.certificate("ca");
    make(server.url());
    EXPECT_TRUE(fetch());
    config_.ca_file = certificates.certificate("stranger");
    make(server.url());
    EXPECT_FALSE(fetch());
}

}  // namespace
}  // namespace carillon::app
