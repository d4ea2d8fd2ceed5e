#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "contracts/notification.hpp"
#include "contracts/problem.hpp"
#include "loop/task.hpp"

namespace carillon::gateway {

/// A value, or the problem the caller is told.
template <class T>
using ApiResult = base::Result<T, contracts::Problem>;

/// Who a call is for, the trace it belongs to, and the key that makes a change repeatable (none when empty).
struct Caller {
    base::UserId user_id;
    std::string traceparent;
    std::string idempotency_key = {};
};

/// The counters of one user. One version has one count.
struct InboxCount {
    std::uint64_t unread = 0;
    base::Version version = 0;
};

// `replayed`: the first call with the key was answered so, and nothing was done now. A problem says it too.

struct CreateAnswer {
    contracts::Notification notification;
    bool replayed = false;
};

struct MarkReadAnswer {
    base::NotificationId id;
    base::TimePoint read_at;
    InboxCount count;
    bool replayed = false;
};

struct ReadAllAnswer {
    std::uint64_t updated = 0;
    InboxCount count;
    bool replayed = false;
};

struct NotificationPage {
    std::vector<contracts::Notification> notifications;
    std::optional<std::string> next_cursor;
    InboxCount count;
};

struct SyncAnswer {
    bool reset = false;
    InboxCount count;
    std::optional<base::Version> read_all_before;
    std::vector<contracts::Notification> notifications;
    bool has_more = false;
    std::vector<base::Version> created_versions = {};  ///< of `notifications`; empty when the service does not tell
};

struct NewNotification {
    base::UserId user_id;
    std::string type;
    std::string title;
    std::optional<std::string> body;
    std::optional<std::string> data_json;
};

/// The notification service, as the gateway sees it: one adapter calls it directly, one over HTTP. A problem
/// `unavailable` means that the service cannot be reached or its store is away; nothing was changed as far as is known.
/// Thread: any shard; the calling coroutine goes on where it was. Every call ends within a deadline of its adapter.
class NotificationApi {
 public:
    virtual ~NotificationApi() = default;

    virtual loop::Task<ApiResult<CreateAnswer>> create(Caller caller, NewNotification notification) = 0;
    virtual loop::Task<ApiResult<NotificationPage>> list(Caller caller, std::uint32_t limit, std::string cursor,
                                                         std::string status) = 0;
    virtual loop::Task<ApiResult<contracts::Notification>> find(Caller caller, base::NotificationId id) = 0;
    /// In the order asked.
    virtual loop::Task<ApiResult<std::vector<InboxCount>>> counts(std::vector<base::UserId> users) = 0;
    virtual loop::Task<ApiResult<SyncAnswer>> sync(Caller caller, base::Version since, std::uint32_t limit) = 0;
    virtual loop::Task<ApiResult<MarkReadAnswer>> mark_read(Caller caller, base::NotificationId id) = 0;
    virtual loop::Task<ApiResult<ReadAllAnswer>> read_all(Caller caller, std::optional<base::Version> before) = 0;
    /// One page of what is kept of the user `caller` names: a JSON object (`inbox` of `contracts/http/user-data.json`).
    /// `cursor` empty: the first. `not_found` when nothing is kept.
    virtual loop::Task<ApiResult<std::string>> export_data(Caller caller, std::string cursor, std::uint32_t limit) = 0;
    /// Erases it all; done also when nothing was kept.
    virtual loop::Task<ApiResult<void>> erase_data(Caller caller) = 0;
    /// Whether calls would work now, for readiness.
    virtual loop::Task<bool> ready() = 0;
};

}  // namespace carillon::gateway
