#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/auth_api.hpp"
#include "gateway/notification_api.hpp"
#include "http/router.hpp"

namespace carillon::gateway::testing {

/// A notification service in memory, for tests: dense versions, exact counts. It publishes nothing: the test does. It
/// can be told to fail. Thread: any for the port's methods and `add`; set the rest before it is used.
class FakeNotificationApi : public NotificationApi {
 public:
    struct Inbox {
        InboxCount count;
        std::vector<contracts::Notification> rows;
        std::optional<base::Version> read_all_before;
        std::map<base::NotificationId, base::Version> created;
    };

    /// As if somebody had created it: the row, with its version.
    contracts::Notification add(base::UserId user, std::string title) {
        const std::scoped_lock lock{mutex_};
        auto& inbox = inboxes[user];
        contracts::Notification row;
        row.id = base::NotificationId::generate(base::system_clock());
        row.user_id = user;
        row.type = "test";
        row.title = std::move(title);
        row.version = ++inbox.count.version;
        inbox.created[row.id] = row.version;
        ++inbox.count.unread;
        inbox.rows.push_back(row);
        return row;
    }

    loop::Task<ApiResult<CreateAnswer>> create(Caller caller, NewNotification notification) override {
        if (failing) co_return contracts::problem_unavailable(1);
        const bool replayed = keyed(caller);
        co_return CreateAnswer{add(notification.user_id, notification.title), replayed};
    }
    loop::Task<ApiResult<NotificationPage>> list(Caller caller, std::uint32_t limit, std::string cursor,
                                                 std::string) override {
        if (failing) co_return contracts::problem_unavailable(1);
        if (!cursor.empty()) co_return contracts::problem_bad_request("cursor");
        const std::scoped_lock lock{mutex_};
        auto& inbox = inboxes[caller.user_id];
        NotificationPage page;
        page.count = inbox.count;
        page.notifications.assign(inbox.rows.rbegin(), inbox.rows.rend());
        if (page.notifications.size() > limit) page.notifications.resize(limit);
        co_return page;
    }
    loop::Task<ApiResult<contracts::Notification>> find(Caller caller, base::NotificationId id) override {
        if (failing) co_return contracts::problem_unavailable(1);
        const std::scoped_lock lock{mutex_};
        if (auto* row = row_of(caller.user_id, id)) co_return *row;
        co_return contracts::problem_not_found();
    }
    loop::Task<ApiResult<std::vector<InboxCount>>> counts(std::vector<base::UserId> users) override {
        ++count_calls;
        if (failing) co_return contracts::problem_unavailable(1);
        const std::scoped_lock lock{mutex_};
        std::vector<InboxCount> counts;
        for (const auto& user : users) counts.push_back(inboxes[user].count);
        co_return counts;
    }
    loop::Task<ApiResult<SyncAnswer>> sync(Caller caller, base::Version since, std::uint32_t limit) override {
        ++sync_calls;
        if (failing) co_return contracts::problem_unavailable(1);
        if (sync_failures > 0) {
            --sync_failures;
            co_return contracts::problem_unavailable(1);
        }
        if (before_sync) before_sync();
        auto answer = changes(caller.user_id, since, limit);
        if (after_sync) after_sync();
        co_return answer;
    }
    SyncAnswer changes(base::UserId user, base::Version since, std::uint32_t limit) {
        const std::scoped_lock lock{mutex_};
        const auto& inbox = inboxes[user];
        SyncAnswer answer;
        answer.count = inbox.count;
        for (const auto& row : inbox.rows) {
            if (row.version > since) answer.notifications.push_back(row);
        }
        answer.reset = since > inbox.count.version || answer.notifications.size() > 500;
        if (answer.reset) answer.notifications = inbox.rows;
        std::sort(answer.notifications.begin(), answer.notifications.end(),
                  [](const auto& a, const auto& b) { return a.version < b.version; });
        answer.has_more = answer.notifications.size() > limit;
        if (answer.has_more) answer.notifications.resize(limit);
        answer.read_all_before = inbox.read_all_before;
        for (const auto& row : answer.notifications) answer.created_versions.push_back(inbox.created.at(row.id));
        return answer;
    }
    loop::Task<ApiResult<MarkReadAnswer>> mark_read(Caller caller, base::NotificationId id) override {
        if (before_answer) before_answer();
        if (throwing) throw std::runtime_error{"expected by the test"};
        if (failing) co_return contracts::problem_unavailable(1);
        const std::scoped_lock lock{mutex_};
        auto* row = row_of(caller.user_id, id);
        if (row == nullptr) {
            auto problem = contracts::problem_not_found();
            problem.replayed = keyed(caller);
            co_return problem;
        }
        auto& inbox = inboxes[caller.user_id];
        if (!row->read_at) {
            row->read_at = base::system_clock().now();
            row->version = ++inbox.count.version;
            --inbox.count.unread;
        }
        co_return MarkReadAnswer{id, *row->read_at, inbox.count, keyed(caller)};
    }
    loop::Task<ApiResult<ReadAllAnswer>> read_all(Caller caller, std::optional<base::Version> before) override {
        if (failing) co_return contracts::problem_unavailable(1);
        const std::scoped_lock lock{mutex_};
        auto& inbox = inboxes[caller.user_id];
        ReadAllAnswer answer;
        for (auto& row : inbox.rows) {
            if (row.read_at || row.version > before.value_or(inbox.count.version)) continue;
            row.read_at = base::system_clock().now();
            ++answer.updated;
        }
        if (answer.updated > 0) ++inbox.count.version;
        inbox.count.unread -= answer.updated;
        answer.count = inbox.count;
        answer.replayed = keyed(caller);
        co_return answer;
    }
    loop::Task<ApiResult<std::string>> export_data(Caller caller, std::string cursor, std::uint32_t) override {
        if (failing) co_return contracts::problem_unavailable(1);
        const std::scoped_lock lock{mutex_};
        if (inboxes[caller.user_id].rows.empty() && cursor.empty()) co_return contracts::problem_not_found();
        co_return R"({"titles":[")" + inboxes[caller.user_id].rows.front().title + "\"]}";
    }
    loop::Task<ApiResult<void>> erase_data(Caller caller) override {
        if (failing) co_return contracts::problem_unavailable(1);
        const std::scoped_lock lock{mutex_};
        inboxes[caller.user_id].rows.clear();
        co_return ApiResult<void>{};
    }
    loop::Task<bool> ready() override { co_return !failing; }

    std::map<base::UserId, Inbox> inboxes;
    bool failing = false;
    bool throwing = false;
    std::function<void()> before_answer;
    std::atomic<int> count_calls = 0;
    std::atomic<int> sync_calls = 0;
    int sync_failures = 0;  ///< so many syncs fail
    std::function<void()> before_sync;
    std::function<void()> after_sync;

 private:
    std::mutex mutex_;

    // It does again what it is asked again, but says when a key came twice: so tests see that the key arrives.
    bool keyed(const Caller& caller) {
        return !caller.idempotency_key.empty() && !keys_.emplace(caller.user_id, caller.idempotency_key).second;
    }
    std::set<std::pair<base::UserId, std::string>> keys_;

    contracts::Notification* row_of(base::UserId user, base::NotificationId id) {
        auto& rows = inboxes[user].rows;
        const auto found = std::find_if(rows.begin(), rows.end(), [id](const auto& row) { return row.id == id; });
        return found == rows.end() ? nullptr : &*found;
    }
};

/// Answers with what it was asked, and keeps it. Thread: any.
class FakeAuthApi final : public AuthApi {
 public:
    loop::Task<http::Response> forward(http::Request& request) override {
        const std::string asked = std::string{http::method_name(request.method)} + ' ' + request.path;
        {
            const std::scoped_lock lock{mutex_};
            asked_.push_back(asked);
        }
        if (request.method == http::Method::del) {
            http::Response gone;
            gone.status = 204;
            co_return gone;
        }
        co_return http::json_response(200, asked);
    }
    loop::Task<bool> ready() override { co_return true; }
    std::vector<std::string> asked() const {
        const std::scoped_lock lock{mutex_};
        return asked_;
    }

 private:
    mutable std::mutex mutex_;
    std::vector<std::string> asked_;
};

}  // namespace carillon::gateway::testing
