#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "loop/event_loop.hpp"
#include "store/postgres/postgres.hpp"
#include "store/postgres/testing/postgres_server.hpp"
#include "store/testing/consistency.hpp"
#include "store/testing/drive.hpp"
#include "store/testing/sample_notifications.hpp"

/// What the *_pgtest.cpp of this room share.
namespace carillon::store::testing {

inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::milliseconds deadline = std::chrono::seconds{20}) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return true;
}

/// One instance of the notification service's store, on a loop of its own.
class Instance {
 public:
    explicit Instance(const PostgresOptions& options) {
        loop_.start();
        opened_ = open_postgres_notifications(options, loop_.executor(), registry_);
        opened_->outbox().on_committed([this](std::vector<OutboxEvent> events) {
            const std::lock_guard lock{mutex_};
            heard_.insert(heard_.end(), events.begin(), events.end());
        });
    }
    /// Ends as a process does that is asked to, unless `die` was called.
    ~Instance() {
        thaw();
        if (!dead_) close();
        loop_.stop();
        loop_.join();
        if (dead_) {
            // What was under way holds what it waits for, and is held by it. It goes with the process, as in earnest.
            static auto* const buried = new std::vector<std::unique_ptr<PostgresNotifications>>;
            buried->push_back(std::move(opened_));
        }
        opened_.reset();
    }

    NotificationStore& store() { return opened_->store(); }
    OutboxStore& outbox() { return opened_->outbox(); }
    UserDataStore& user_data() { return opened_->user_data(); }
    const std::vector<AppliedMigration>& applied() const { return opened_->applied(); }
    metrics::Registry& metrics() { return registry_; }
    loop::Executor executor() { return loop_.executor(); }

    /// What the listener was told.
    std::vector<OutboxEvent> heard() {
        const std::lock_guard lock{mutex_};
        return heard_;
    }

    base::Result<Created> create(base::UserId user) { return create(for_user(user)); }
    base::Result<Created> create(NewNotification wanted) {
        std::vector<NewNotification> batch{std::move(wanted)};
        return run(store().create(std::move(batch))).at(0);
    }

    /// Closes the store, as its end does first.
    void close() {
        if (!std::exchange(closed_, true)) opened_->close();
    }
    /// Ends as a process does that is killed: nothing is given back.
    void die() {
        dead_ = true;
        loop_.stop();
        loop_.join();
    }
    /// Does nothing until `thaw`, as a process that is stopped.
    void freeze() {
        auto frozen = std::make_shared<std::promise<void>>();
        auto is_frozen = frozen->get_future();
        thaw_ = std::make_unique<std::promise<void>>();
        auto thawed = std::make_shared<std::shared_future<void>>(thaw_->get_future().share());
        loop::post(loop_.executor(), [frozen, thawed] {
            frozen->set_value();
            thawed->wait();
        });
        is_frozen.wait();
    }
    void thaw() {
        if (thaw_) thaw_->set_value();
        thaw_.reset();
    }

 private:
    metrics::Registry registry_;
    loop::EventLoop loop_{"instance"};
    std::mutex mutex_;
    std::vector<OutboxEvent> heard_;
    std::unique_ptr<PostgresNotifications> opened_;
    std::unique_ptr<std::promise<void>> thaw_;
    bool dead_ = false;
    bool closed_ = false;
};

inline PostgresOptions options_for(const std::string& url) {
    PostgresOptions options;
    options.url = url;
    options.start_wait = std::chrono::seconds{10};
    return options;
}

/// A fresh, empty database.
struct Database {
    std::string name = postgres_server().create_database();
    PostgresOptions options = options_for(postgres_server().url(name));

    /// What psql prints of the rows.
    std::string sql(const std::string& statement) const {
        auto text = postgres_server().sql(name, statement);
        while (!text.empty() && text.back() == '\n') text.pop_back();
        return text;
    }
    /// How many users have a count that is not that of their unread rows; asked of the server, so that nothing of ours
    /// stands in between.
    std::string wrong_counts() const {
        return sql(
            "SELECT count(*) FROM notification.user_state s WHERE unread <> (SELECT count(*) FROM"
            " notification.notifications n WHERE n.user_id = s.user_id AND n.read_at IS NULL)");
    }
};

}  // namespace carillon::store::testing
