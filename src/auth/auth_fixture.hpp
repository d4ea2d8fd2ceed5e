#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>

#include "auth/auth_routes.hpp"
#include "auth/auth_service.hpp"
#include "base/testing/fake_clock.hpp"
#include "http/router.hpp"
#include "loop/event_loop.hpp"
#include "metrics/registry.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_outbox_store.hpp"
#include "store/sqlite/sqlite_revocation_store.hpp"
#include "store/sqlite/sqlite_session_store.hpp"
#include "store/sqlite/sqlite_user_store.hpp"
#include "token/token.hpp"

/// For this room's tests: the service over SQLite in a folder of its own, and its routes.
namespace carillon::auth {

inline const std::string kUserSecret = "the users' secret in these tests, long";
inline const std::string kInternalSecret = "the services' secret in these tests, long";
inline const std::string kPassword = "correct horse battery staple";

/// The least that argon2id takes: these tests are not about its strength.
inline PasswordHashing cheap_hashing() {
    return {.passes = 1, .memory_bytes = 8 * 1024, .threads = 2, .queue_max = 64};
}

inline AuthConfig cheap_config() {
    AuthConfig config;
    config.hashing = cheap_hashing();
    return config;
}

template <class T>
loop::Task<void> deliver(loop::Task<T> task, std::shared_ptr<std::promise<T>> out) {
    T value = co_await std::move(task);
    out->set_value(std::move(value));
}

template <class T>
std::future<T> start_on(loop::EventLoop& loop, loop::Task<T> task) {
    auto out = std::make_shared<std::promise<T>>();
    auto future = out->get_future();
    loop::spawn(loop.executor(), deliver(std::move(task), std::move(out)), "test");
    return future;
}

/// A folder of its own, removed in the end.
class TemporaryFolder {
 public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "carillon-auth-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = name;
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }

 private:
    std::filesystem::path path_;
};

class AuthFixture : public ::testing::Test {
 protected:
    AuthFixture() { loop.start(); }
    ~AuthFixture() override {
        loop.stop();
        loop.join();
    }

    std::unique_ptr<AuthService> make_service(AuthConfig config = cheap_config()) {
        return std::make_unique<AuthService>(AuthStores{users, sessions, revocations},
                                             UserTokens{signer, *verifier, refresh_tokens}, clock, metrics,
                                             std::move(config));
    }

    template <class T>
    T run(loop::Task<T> task) {
        return start_on(loop, std::move(task)).get();
    }

    static store::SqliteOptions options_in(const std::filesystem::path& directory) {
        store::SqliteOptions options;
        options.directory = directory;
        return options;
    }

    double failures(const std::string& code) {
        return metrics.counter("auth_failures_total", "", {{"code", code}}).value();
    }

    base::FakeClock clock;
    metrics::Registry metrics;
    TemporaryFolder folder;
    /// Outlives the database: its threads may still be leaving a post to the loop when the answer has long been taken.
    loop::EventLoop loop{"auth"};
    store::SqliteDatabase database{options_in(folder.path()), metrics};
    store::SqliteUserStore users{database};
    store::SqliteSessionStore sessions{database};
    store::SqliteRevocationStore revocations{database};
    store::SqliteOutboxStore outbox{database, store::OutboxName::auth};
    RefreshTokens refresh_tokens{kInternalSecret};
    token::UserTokenSigner signer{kUserSecret, "carillon", "carillon"};
    std::unique_ptr<token::UserTokenVerifier> verifier = token::make_secret_verifier(kUserSecret, {});
    token::InternalTokens internal{kInternalSecret};
};

}  // namespace carillon::auth
