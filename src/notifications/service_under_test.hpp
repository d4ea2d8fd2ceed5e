#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "base/testing/fake_clock.hpp"
#include "loop/event_loop.hpp"
#include "notifications/notification_service.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_notification_store.hpp"

/// For the tests of this room: the service over SQLite in a folder of its own.
namespace carillon::notifications {

inline const base::UserId kAlice = *base::UserId::parse("6f1c0a52-6d0e-4f0e-9a34-4a1f0f6f5a01");
inline const base::UserId kBob = *base::UserId::parse("0b8f6f3e-2f0a-11ee-be56-0242ac120002");

/// Waits until `condition` holds, at most ten seconds.
inline bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

inline contracts::CreateNotification wanted(base::UserId user, std::string title = "A title") {
    return {user, "test", std::move(title), "A body", R"({"url":"/orders/7"})"};
}

class ServiceUnderTest {
 public:
    ServiceUnderTest() : database_{options(folder_), metrics} { loop_.start(); }
    ~ServiceUnderTest() {
        database_.close();
        loop_.stop();
        loop_.join();
        std::filesystem::remove_all(folder_);
    }

    /// Runs a task on the service's executor and waits for it.
    template <class T>
    T run(loop::Task<T> task) {
        return boost::asio::co_spawn(loop_.executor(), std::move(task), boost::asio::use_future).get();
    }
    /// Creates one, which must succeed.
    contracts::Notification create(base::UserId user, std::string title = "A title") {
        return run(service.create(wanted(user, std::move(title)), {}))->value;
    }
    contracts::UserUnreadCount count(base::UserId user) { return run(service.counts({user}))->front(); }
    /// From now on the store is unavailable.
    void lose_store() { database_.close(); }

    store::SqliteDatabase& database() { return database_; }
    loop::Executor executor() { return loop_.executor(); }

 private:
    static store::SqliteOptions options(const std::filesystem::path& folder) {
        store::SqliteOptions chosen;
        chosen.directory = folder;
        return chosen;
    }

    const std::filesystem::path folder_{
        std::filesystem::temp_directory_path() /
        ("carillon-notifications-" + base::EventId::generate(base::system_clock()).to_string())};
    loop::EventLoop loop_{"notifications"};

 public:
    base::FakeClock clock;
    metrics::Registry metrics;

 private:
    store::SqliteDatabase database_;
    store::SqliteNotificationStore store_{database_};

 public:
    NotificationService service{store_, clock, metrics};
};

}  // namespace carillon::notifications
