#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "contracts/notification.hpp"
#include "loop/task.hpp"
#include "store/errc.hpp"
#include "store/idempotency.hpp"
#include "store/inbox_results.hpp"

namespace carillon::store {

/// A notification to be created. The store adds version and event id.
struct NewNotification {
    base::NotificationId id;
    base::UserId user_id;
    std::string type;
    std::string title;
    std::optional<std::string> body;
    std::optional<std::string> data_json;  ///< compact text of a JSON object
    base::TimePoint created_at;
    std::string traceparent;  ///< W3C trace context that travels with the event; may be empty
    /// When set: the creation answers an event from the bus, and is applied once per value (`errc::already_applied`
    /// then).
    std::optional<std::string> consumed_key;
};

struct Created {
    contracts::Notification notification;
    InboxState state;
};

struct CreatedOnce {
    /// In the order asked, as they were created. A replay has `not_found` where one was erased since.
    std::vector<base::Result<contracts::Notification>> items;
    bool replayed = false;  ///< the answer to the first call with this key: nothing was done
};

enum class StatusFilter { all, unread, read };

/// A mark among others, of any user.
struct MarkRead {
    base::UserId user_id;
    base::NotificationId id;
    std::string traceparent;  ///< W3C trace context that travels with the event; may be empty
};

struct ListQuery {
    base::UserId user_id;
    std::uint32_t limit = 20;
    StatusFilter status = StatusFilter::all;
    /// Only notifications created before this version of the user (exclusive).
    std::optional<base::Version> before;
};

struct NotificationPage {
    std::vector<contracts::Notification> notifications;  ///< newest first, by the version of their creation
    std::optional<base::Version> next_before;            ///< absent at the end
    InboxState state;                                    ///< read in the same snapshot as the rows
};

struct UserCount {
    base::UserId user_id;
    InboxState state;
};

struct SyncPage {
    bool reset = false;  ///< the client must forget what it has: this is a snapshot of the newest
    InboxState state;
    std::optional<base::Version> read_all_before;        ///< everything up to it is read, when changed since `since`
    std::vector<contracts::Notification> notifications;  ///< changed since `since`, oldest change first
    std::vector<base::Version> created_versions;         ///< when each was created; empty with `reset`
    bool has_more = false;                               ///< go on from the version of the last one
};

/// Keeps the notifications of all users, with exact counters.
///
/// Every change is one transaction: the rows, `user_state(unread, version)` and the event in the outbox, or nothing.
/// Each change takes the user's next version (dense, from 1); a call that changes nothing takes none. When a call
/// returns a value it is durable. An error means that nothing was changed.
///
/// A call with an `IdempotencyClaim` keeps its answer in the same transaction, also when it changed nothing, and with
/// `not_found`. The same key again, within `kIdempotencyLifetime` of the first: the first answer, marked `replayed`
/// (`not_found_before`), when the request is the same one; `key_reused` when it is not; `in_flight` while the first
/// is not decided. Of several calls with one key at once, on any number of instances, one does it.
///
/// Thread: any executor; the calling coroutine goes on where it was. Calls of one user are applied in the order in
/// which they reach the store.
class NotificationStore {
 public:
    virtual ~NotificationStore() = default;

    /// One result for each, in order; one that fails fails alone. Errors: already_applied, overloaded, unavailable.
    virtual loop::Task<std::vector<base::Result<Created>>> create(std::vector<NewNotification> batch) = 0;

    /// All of the batch (1 to `kCreateOnceMax`, without `consumed_key`) and the claim, or nothing. Errors: key_reused,
    /// in_flight, already_applied (one of the ids is known), overloaded, unavailable.
    virtual loop::Task<base::Result<CreatedOnce>> create_once(std::vector<NewNotification> batch,
                                                              IdempotencyClaim claim) = 0;

    /// Sets `readAt` to `now` unless it is set. Errors: not_found (another user's too), overloaded, unavailable; with a
    /// claim also not_found_before, key_reused, in_flight.
    virtual loop::Task<base::Result<MarkedRead>> mark_read(base::UserId user, base::NotificationId id,
                                                           base::TimePoint now, std::string traceparent,
                                                           std::optional<IdempotencyClaim> claim) = 0;

    /// `mark_read` of each, without a claim. One result for each, in order; one that fails fails alone.
    virtual loop::Task<std::vector<base::Result<MarkedRead>>> mark_read_each(std::vector<MarkRead> batch,
                                                                             base::TimePoint now) = 0;

    /// Reads everything that last became unread at or before the watermark `before` (default: the user's current
    /// version). What arrives while it runs stays unread. Errors: overloaded, unavailable; with a claim also
    /// key_reused, in_flight.
    virtual loop::Task<base::Result<ReadAll>> read_all(base::UserId user, std::optional<base::Version> before,
                                                       base::TimePoint now, std::string traceparent,
                                                       std::optional<IdempotencyClaim> claim) = 0;

    virtual loop::Task<base::Result<NotificationPage>> list(ListQuery query) = 0;
    virtual loop::Task<base::Result<contracts::Notification>> find(base::UserId user, base::NotificationId id) = 0;
    /// In the order asked; a user nobody knows has {0, 0}.
    virtual loop::Task<base::Result<std::vector<UserCount>>> counts(std::vector<base::UserId> users) = 0;
    /// What changed after version `since`, by state: at most `limit` (1-500) rows and 256 KB. A future `since`, one
    /// from before an erasure, or more than 500 changes, gives a reset.
    virtual loop::Task<base::Result<SyncPage>> sync(base::UserId user, base::Version since, std::uint32_t limit) = 0;
    /// Whether reads and writes would work now.
    virtual loop::Task<base::Result<void>> check() = 0;
};

}  // namespace carillon::store
