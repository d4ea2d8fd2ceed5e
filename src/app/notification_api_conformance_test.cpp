// What every adapter of `gateway::NotificationApi` must do: the direct one, and the one over HTTP.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <functional>
#include <future>
#include <thread>

#include "app/direct_notification_api.hpp"
#include "app/http_notification_api.hpp"
#include "base/log.hpp"
#include "http/ops_routes.hpp"
#include "http/server.hpp"
#include "loop/event_loop.hpp"
#include "notifications/notification_routes.hpp"
#include "notifications/user_data_routes.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_notification_store.hpp"
#include "store/sqlite/sqlite_user_data_store.hpp"

namespace carillon::app {
namespace {

using gateway::Caller;
using gateway::NewNotification;
using gateway::NotificationApi;

const base::UserId kAnn = *base::UserId::parse("6f1c0a52-6d0e-4f0e-9a34-4a1f0f6f5a01");
const base::UserId kBob = *base::UserId::parse("0b8f6f3e-2f0a-11ee-be56-0242ac120002");

/// The notification service on SQLite, in a folder of its own.
class Backend {
 public:
    Backend() { loop_.start(); }
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

    const std::filesystem::path folder_{
        std::filesystem::temp_directory_path() /
        ("carillon-api-" + base::NotificationId::generate(base::system_clock()).to_string())};
    loop::EventLoop loop_{"service"};

 public:
    const base::Clock& clock = base::system_clock();
    metrics::Registry metrics;

 private:
    store::SqliteDatabase database_{options(folder_), metrics};
    store::SqliteNotificationStore store_{database_};
    store::SqliteUserDataStore user_data_store_{database_};

 public:
    notifications::NotificationService service{store_, clock, metrics};
    notifications::UserDataService user_data{store_, user_data_store_, clock};
};

/// An adapter and what is behind it.
class ApiUnderTest {
 public:
    virtual ~ApiUnderTest() = default;
    virtual NotificationApi& api() = 0;
    virtual void lose_store() = 0;
};

class DirectUnderTest final : public ApiUnderTest {
 public:
    NotificationApi& api() override { return api_; }
    void lose_store() override { backend_.lose_store(); }

 private:
    Backend backend_;
    DirectNotificationApi api_{backend_.executor(), backend_.service, backend_.user_data};
};

class HttpUnderTest final : public ApiUnderTest {
 public:
    HttpUnderTest() {
        notifications::add_notification_routes(router_, backend_.service);
        notifications::add_user_data_routes(router_, backend_.user_data);
        http::add_ops_routes(router_, backend_.metrics, [this] { return readiness(backend_.service); });
        server_ =
            std::make_unique<http::Server>(backend_.executor(), http::ServerConfig{}, backend_.clock, router_, nullptr);
        server_->start();
        calls_.start();
        http::ClientPoolConfig config;
        config.urls = {"http://127.0.0.1:" + std::to_string(server_->port())};
        pool_ = std::make_unique<http::ClientPool>(calls_.executor(), backend_.clock, config);
        client_ = std::make_unique<ServiceClient>(*pool_, tokens_, backend_.clock, "notification");
        api_ = std::make_unique<HttpNotificationApi>(*client_);
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
    NotificationApi& api() override { return *api_; }
    void lose_store() override { backend_.lose_store(); }

 private:
    static loop::Task<http::Readiness> readiness(notifications::NotificationService& service) {
        const bool ready = co_await service.ready();
        http::Readiness answer;
        answer.dependencies.push_back(http::Readiness::Dependency{"store", ready, {}});
        co_return answer;
    }

    Backend backend_;
    token::InternalTokens tokens_{"an internal secret with thirty-two bytes or more"};
    http::Router router_{backend_.clock, backend_.metrics, {nullptr, &tokens_}, "notifications"};
    std::unique_ptr<http::Server> server_;
    loop::EventLoop calls_{"calls"};
    std::unique_ptr<http::ClientPool> pool_;
    std::unique_ptr<ServiceClient> client_;
    std::unique_ptr<HttpNotificationApi> api_;
};

using Factory = std::function<std::unique_ptr<ApiUnderTest>()>;

/// What is created keeps the contract: whoever calls has looked at it, and the direct adapter does not look again.
class NotificationApiConformance : public ::testing::TestWithParam<Factory> {
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

    NotificationApi& api() { return under_test_->api(); }
    /// As a shard would call it.
    template <class T>
    T run(loop::Task<T> task) {
        return boost::asio::co_spawn(shard_.executor(), std::move(task), boost::asio::use_future).get();
    }
    static Caller caller(base::UserId user, std::string key = {}) { return {user, {}, std::move(key)}; }
    contracts::Notification create(base::UserId user, const std::string& title) {
        auto answer = run(api().create(caller(user), wanted(user, title)));
        if (!answer) throw std::runtime_error{answer.error().code};
        return answer->notification;
    }
    static NewNotification wanted(base::UserId user, std::string title) {
        return {user, "test", std::move(title), "A body", R"({"url":"/orders/7"})"};
    }

    loop::EventLoop shard_{"shard"};
    std::unique_ptr<ApiUnderTest> under_test_;
};

TEST_P(NotificationApiConformance, WhatIsCreatedIsListedFoundAndCounted) {
    const auto made = create(kAnn, "One \xE2\x9C\x93");
    EXPECT_EQ(made.title, "One \xE2\x9C\x93");
    EXPECT_EQ(made.user_id, kAnn);
    EXPECT_EQ(made.version, 1U);
    const auto found = run(api().find(caller(kAnn), made.id));
    ASSERT_TRUE(found) << found.error().code;
    EXPECT_EQ(*found, made);
    const auto page = run(api().list(caller(kAnn), 20, {}, {}));
    ASSERT_TRUE(page) << page.error().code;
    ASSERT_EQ(page->notifications.size(), 1U);
    EXPECT_EQ(page->notifications.front(), made);
    EXPECT_EQ(page->next_cursor, std::nullopt);
    EXPECT_EQ(page->count.unread, 1U);
    EXPECT_EQ(page->count.version, 1U);
    const auto other = run(api().find(caller(kBob), made.id));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, "not_found");
    EXPECT_EQ(other.error().status, 404);
}

TEST_P(NotificationApiConformance, WhatCannotBeListedIsAProblem) {
    const auto cursor = run(api().list(caller(kAnn), 20, "no cursor &?=", {}));
    ASSERT_FALSE(cursor);
    EXPECT_EQ(cursor.error().status, 400);
    const auto status = run(api().list(caller(kAnn), 20, {}, "half read"));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().status, 400);
    const auto limit = run(api().list(caller(kAnn), 101, {}, {}));
    ASSERT_FALSE(limit);
    EXPECT_EQ(limit.error().status, 400);
}

TEST_P(NotificationApiConformance, PagesFollowTheCursor) {
    for (int i = 0; i < 5; ++i) create(kAnn, std::to_string(i));
    const auto first = run(api().list(caller(kAnn), 3, {}, "unread"));
    ASSERT_TRUE(first);
    ASSERT_EQ(first->notifications.size(), 3U);
    EXPECT_EQ(first->notifications.front().title, "4");
    ASSERT_TRUE(first->next_cursor);
    const auto second = run(api().list(caller(kAnn), 3, *first->next_cursor, "unread"));
    ASSERT_TRUE(second);
    ASSERT_EQ(second->notifications.size(), 2U);
    EXPECT_EQ(second->notifications.back().title, "0");
    EXPECT_EQ(second->next_cursor, std::nullopt);
    const auto read = run(api().list(caller(kAnn), 3, {}, "read"));
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->notifications.empty());
}

TEST_P(NotificationApiConformance, AKeyMakesACreateRepeatable) {
    const auto first = run(api().create(caller(kBob, "key-1"), wanted(kAnn, "once")));
    ASSERT_TRUE(first) << first.error().code;
    EXPECT_FALSE(first->replayed);
    const auto again = run(api().create(caller(kBob, "key-1"), wanted(kAnn, "once")));
    ASSERT_TRUE(again) << again.error().code;
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(again->notification.id, first->notification.id);
    const auto other = run(api().create(caller(kBob, "key-1"), wanted(kAnn, "something else")));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().status, 422);
    EXPECT_EQ(other.error().code, "idempotency_mismatch");
    const auto mine = run(api().create(caller(kAnn, "key-1"), wanted(kAnn, "another caller's key")));
    ASSERT_TRUE(mine);
    EXPECT_FALSE(mine->replayed);
    EXPECT_EQ(run(api().counts({kAnn}))->front().unread, 2U);
}

TEST_P(NotificationApiConformance, ARefusalIsReplayedToo) {
    const auto first =
        run(api().mark_read(caller(kAnn, "key-2"), base::NotificationId::generate(base::system_clock())));
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().status, 404);
    EXPECT_FALSE(first.error().replayed);
    const auto made = create(kAnn, "x");
    const auto read = run(api().mark_read(caller(kAnn, "key-3"), made.id));
    ASSERT_TRUE(read);
    const auto again = run(api().mark_read(caller(kAnn, "key-3"), made.id));
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(again->count.version, read->count.version);
}

TEST_P(NotificationApiConformance, CountsComeInTheOrderAsked) {
    create(kAnn, "1");
    create(kAnn, "2");
    create(kBob, "1");
    const auto nobody = base::UserId::generate(base::system_clock());
    const auto counts = run(api().counts({kBob, nobody, kAnn, kBob}));
    ASSERT_TRUE(counts) << counts.error().code;
    ASSERT_EQ(counts->size(), 4U);
    EXPECT_EQ((*counts)[0].unread, 1U);
    EXPECT_EQ((*counts)[1].unread, 0U);
    EXPECT_EQ((*counts)[1].version, 0U);
    EXPECT_EQ((*counts)[2].unread, 2U);
    EXPECT_EQ((*counts)[2].version, 2U);
    EXPECT_EQ((*counts)[3].unread, 1U);
}

TEST_P(NotificationApiConformance, CountsOfMoreUsersThanOneRequestCarries) {
    std::vector<base::UserId> users(1'500, kBob);
    users.front() = kAnn;
    users.back() = kAnn;
    create(kAnn, "1");
    const auto counts = run(api().counts(users));
    ASSERT_TRUE(counts) << counts.error().code;
    ASSERT_EQ(counts->size(), users.size());
    EXPECT_EQ(counts->front().unread, 1U);
    EXPECT_EQ((*counts)[750].unread, 0U);
    EXPECT_EQ(counts->back().unread, 1U);
    const auto none = run(api().counts({}));
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->empty());
}

TEST_P(NotificationApiConformance, ReadingIsOnceAndForAll) {
    const auto one = create(kAnn, "1");
    create(kAnn, "2");
    const auto read = run(api().mark_read(caller(kAnn), one.id));
    ASSERT_TRUE(read) << read.error().code;
    EXPECT_EQ(read->id, one.id);
    EXPECT_EQ(read->count.unread, 1U);
    const auto again = run(api().mark_read(caller(kAnn), one.id));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->read_at, read->read_at);
    EXPECT_EQ(again->count.version, read->count.version);
    const auto third = create(kAnn, "3");
    const auto before = run(api().read_all(caller(kAnn), third.version - 1));
    ASSERT_TRUE(before) << before.error().code;
    EXPECT_EQ(before->updated, 1U);
    EXPECT_EQ(before->count.unread, 1U);
    const auto all = run(api().read_all(caller(kAnn), std::nullopt));
    ASSERT_TRUE(all);
    EXPECT_EQ(all->updated, 1U);
    EXPECT_EQ(all->count.unread, 0U);
    const auto others = run(api().mark_read(caller(kBob), one.id));
    ASSERT_FALSE(others);
    EXPECT_EQ(others.error().status, 404);
}

TEST_P(NotificationApiConformance, SyncGivesWhatChangedSince) {
    for (int i = 0; i < 3; ++i) create(kAnn, std::to_string(i));
    const auto page = run(api().sync(caller(kAnn), 1, 1));
    ASSERT_TRUE(page) << page.error().code;
    EXPECT_FALSE(page->reset);
    ASSERT_EQ(page->notifications.size(), 1U);
    EXPECT_EQ(page->notifications.front().title, "1");
    EXPECT_TRUE(page->has_more);
    run(api().read_all(caller(kAnn), std::nullopt));
    const auto rest = run(api().sync(caller(kAnn), 3, 100));
    ASSERT_TRUE(rest);
    EXPECT_EQ(rest->count.unread, 0U);
    EXPECT_EQ(rest->count.version, 4U);
    ASSERT_TRUE(rest->read_all_before);
    const auto future = run(api().sync(caller(kAnn), 1'000, 100));
    ASSERT_TRUE(future);
    EXPECT_TRUE(future->reset);
}

TEST_P(NotificationApiConformance, DataOfAUserIsHandedOutAndErased) {
    create(kAnn, "1");
    const auto page = run(api().export_data(caller(kAnn), {}, 100));
    ASSERT_TRUE(page) << page.error().code;
    EXPECT_NE(page->find("\"title\":\"1\""), std::string::npos);
    ASSERT_TRUE(run(api().erase_data(caller(kAnn))));
    ASSERT_TRUE(run(api().erase_data(caller(kBob))));
    const auto nothing = run(api().list(caller(kAnn), 20, {}, {}));
    ASSERT_TRUE(nothing);
    EXPECT_TRUE(nothing->notifications.empty());
    const auto nobody = run(api().export_data(caller(base::UserId::generate(base::system_clock())), {}, 100));
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().status, 404);
}

TEST_P(NotificationApiConformance, IsReadyWhileTheStoreIsAndUnavailableWithoutIt) {
    const auto made = create(kAnn, "1");
    EXPECT_TRUE(run(api().ready()));
    under_test_->lose_store();
    EXPECT_FALSE(run(api().ready()));
    const auto expect_unavailable = [](const auto& answer) {
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().status, 503);
        EXPECT_EQ(answer.error().code, "unavailable");
        EXPECT_TRUE(answer.error().retry_after_s);
    };
    expect_unavailable(run(api().create(caller(kAnn), wanted(kAnn, "2"))));
    expect_unavailable(run(api().list(caller(kAnn), 20, {}, {})));
    expect_unavailable(run(api().find(caller(kAnn), made.id)));
    expect_unavailable(run(api().counts({kAnn})));
    expect_unavailable(run(api().sync(caller(kAnn), 0, 100)));
    expect_unavailable(run(api().mark_read(caller(kAnn), made.id)));
    expect_unavailable(run(api().read_all(caller(kAnn), std::nullopt)));
    expect_unavailable(run(api().export_data(caller(kAnn), {}, 100)));
    expect_unavailable(run(api().erase_data(caller(kAnn))));
}

/// Where the coroutine was before the call and after it.
loop::Task<std::pair<std::thread::id, std::thread::id>> threads_around(NotificationApi& api) {
    const auto before = std::this_thread::get_id();
    auto asking = api.counts(std::vector<base::UserId>(1, kAnn));
    const auto counts = co_await std::move(asking);
    co_return std::pair{before, std::this_thread::get_id()};
}

TEST_P(NotificationApiConformance, TheCallerGoesOnWhereItWas) {
    const auto [before, after] = run(threads_around(api()));
    EXPECT_EQ(before, after);
}

TEST_P(NotificationApiConformance, ManyMarksAtOnceAreAnsweredEachByItself) {
    constexpr std::size_t kMarks = 300;
    std::vector<base::NotificationId> ids;
    for (std::size_t i = 0; i < kMarks; ++i) ids.push_back(create(i % 2 == 0 ? kAnn : kBob, "n").id);
    std::vector<std::future<gateway::ApiResult<gateway::MarkReadAnswer>>> answers;
    for (std::size_t i = 0; i < kMarks; ++i) {
        // Every tenth is another user's.
        const bool own = i % 10 != 9;
        auto marking = api().mark_read(caller((i % 2 == 0) == own ? kAnn : kBob), ids[i]);
        answers.push_back(boost::asio::co_spawn(shard_.executor(), std::move(marking), boost::asio::use_future));
    }
    for (std::size_t i = 0; i < kMarks; ++i) {
        const auto answer = answers[i].get();
        if (i % 10 == 9) {
            ASSERT_FALSE(answer);
            EXPECT_EQ(answer.error().code, "not_found");
        } else {
            ASSERT_TRUE(answer) << answer.error().code;
            EXPECT_EQ(answer->id, ids[i]);
        }
    }
    const auto counts = run(api().counts({kAnn, kBob}));
    ASSERT_TRUE(counts);
    EXPECT_EQ(counts->at(0).unread, 0U);
    EXPECT_EQ(counts->at(1).unread, 30U);
}

INSTANTIATE_TEST_SUITE_P(Direct, NotificationApiConformance,
                         ::testing::Values(Factory{[] { return std::make_unique<DirectUnderTest>(); }}));
INSTANTIATE_TEST_SUITE_P(Http, NotificationApiConformance,
                         ::testing::Values(Factory{[] { return std::make_unique<HttpUnderTest>(); }}));

}  // namespace
}  // namespace carillon::app
