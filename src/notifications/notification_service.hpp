#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "contracts/internal_bodies.hpp"
#include "contracts/notification.hpp"
#include "contracts/problem.hpp"
#include "contracts/rest_bodies.hpp"
#include "loop/task.hpp"
#include "metrics/registry.hpp"
#include "notifications/call_context.hpp"
#include "store/notification_store.hpp"

namespace carillon::notifications {

/// A value, or the problem the caller is told.
template <class T>
using ServiceResult = base::Result<T, contracts::Problem>;

/// The answer to a change.
template <class T>
struct Answered {
    T value;
    bool replayed = false;  ///< the first call with the key was answered so: nothing was done now
};

/// What a list is asked for. `cursor` and `status` as they came; empty means from the newest, and all.
struct ListRequest {
    base::UserId user_id;
    std::uint32_t limit = contracts::kPageLimitDefault;
    std::string cursor;
    std::string status;
};

/// The use cases of the notification service, over any store.
///
/// Problems, with every method: `not_found` (404), `unavailable` (503 with Retry-After: the store is overloaded or
/// away; nothing was changed), `internal` (500). Those that a method adds stand at it. Bodies are checked by the
/// contracts' decoders before they get here.
///
/// A change with an idempotency key is done once for each caller and operation; later calls get the first answer, also
/// when that was `not_found` (then the problem is marked `replayed`). With a key: `conflict` (409 with Retry-After)
/// while the first is under way, `idempotency_mismatch` (422) when something else was asked under it.
///
/// Counts `notifications_created_total`. Thread: any executor, many calls at once; a call goes on where it was made.
/// The service outlives its calls.
class NotificationService {
 public:
    /// All three outlive the service.
    NotificationService(store::NotificationStore& store, const base::Clock& clock, metrics::Registry& metrics);

    loop::Task<ServiceResult<Answered<contracts::Notification>>> create(contracts::CreateNotification wanted,
                                                                        CallContext context);
    /// One result for each, in order; one that fails fails alone. With a key the good ones are created together or not
    /// at all: then the call is the problem.
    loop::Task<ServiceResult<Answered<contracts::BulkAnswer>>> create_bulk(contracts::BulkRequest wanted,
                                                                           CallContext context);
    /// For events from the bus: applied once per `consumed_key`. Errors are the store's (`store::errc`), because the
    /// caller is no client: already_applied, overloaded, unavailable.
    loop::Task<base::Result<contracts::Notification>> create_once(contracts::CreateNotification wanted,
                                                                  std::string consumed_key, std::string traceparent);

    /// Newest first. `bad_request` (400): a limit that is not 1 to 100, an unknown status, a cursor that was not made
    /// for this user and status.
    loop::Task<ServiceResult<contracts::NotificationPage>> list(ListRequest request);
    /// `not_found` for another user's, too.
    loop::Task<ServiceResult<contracts::Notification>> find(base::UserId user, base::NotificationId id);
    /// In the order asked. A user nobody knows has none.
    loop::Task<ServiceResult<std::vector<contracts::UserUnreadCount>>> counts(std::vector<base::UserId> users);
    /// `bad_request` (400): a limit that is not 1 to 500.
    loop::Task<ServiceResult<contracts::SyncAnswer>> sync(base::UserId user, base::Version since, std::uint32_t limit);

    /// The second time gives the same `readAt`.
    loop::Task<ServiceResult<Answered<contracts::MarkReadAnswer>>> mark_read(base::UserId user, base::NotificationId id,
                                                                             CallContext context);
    /// `mark_read` of each, without a key. One result for each, in order; one that fails fails alone.
    loop::Task<std::vector<ServiceResult<contracts::MarkReadAnswer>>> mark_read_each(
        std::vector<contracts::ReadsItem> marks);
    /// `before` includes that version; without it everything up to now is read.
    loop::Task<ServiceResult<Answered<contracts::ReadAllAnswer>>> read_all(base::UserId user,
                                                                           std::optional<base::Version> before,
                                                                           CallContext context);
    /// Whether calls would work now, for readiness.
    loop::Task<bool> ready();

 private:
    using Created = Answered<std::vector<ServiceResult<contracts::Notification>>>;

    store::NewNotification make_new(contracts::CreateNotification wanted, const std::string& traceparent) const;
    /// One result for each; a problem when none could be tried.
    loop::Task<ServiceResult<Created>> create_each(std::vector<store::NewNotification> batch);
    loop::Task<ServiceResult<Created>> create_claimed(std::vector<store::NewNotification> batch,
                                                      store::IdempotencyClaim claim);

    // Constant after construction.
    store::NotificationStore& store_;
    const base::Clock& clock_;
    metrics::Counter& created_total_;
};

}  // namespace carillon::notifications
