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

/// The counters of one user. One version has one count.
struct InboxState {
    std::uint64_t unread = 0;
    base::Version version = 0;
};

struct Created {
    contracts::Notification notification;
    InboxState state;
};

struct MarkedRead {
    base::NotificationId id;
    base::TimePoint read_at;
    InboxState state;      ///< of now
    bool changed = false;  ///< false when it had been read before: no event goes out
};

struct ReadAll {
    std::uint64_t updated = 0;
    InboxState state;
};

enum class StatusFilter { all, unread, read };

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
    bool has_more = false;                               ///< go on from the version of the last one
};

/// Keeps the notifications of all users, with exact counters.
///
/// Every change is one transaction: the rows, `user_state(unread, version)` and the event in the outbox, or nothing.
/// Each change takes the user's next version (dense, from 1); a call that changes nothing takes none. When a call
/// returns a value it is durable. An error means that nothing was changed.
///
/// Thread: any executor; the calling coroutine goes on where it was. Calls of one user are applied in the order in
/// which they reach the store.
class NotificationStore {
 public:
    virtual ~NotificationStore() = default;

    /// One result for each, in order; one that fails fails alone. Errors: already_applied, overloaded, unavailable.
    virtual loop::Task<std::vector<base::Result<Created>>> create(std::vector<NewNotification> batch) = 0;

    /// Sets `readAt` to `now` unless it is set. Errors: not_found (another user's too), overloaded, unavailable.
    virtual loop::Task<base::Result<MarkedRead>> mark_read(base::UserId user, base::NotificationId id,
                                                           base::TimePoint now, std::string traceparent) = 0;

    /// Reads everything that last became unread at or before the watermark `before` (default: the user's current
    /// version). What arrives while it runs stays unread.
    virtual loop::Task<base::Result<ReadAll>> read_all(base::UserId user, std::optional<base::Version> before,
                                                       base::TimePoint now, std::string traceparent) = 0;

    virtual loop::Task<base::Result<NotificationPage>> list(ListQuery query) = 0;
    virtual loop::Task<base::Result<contracts::Notification>> find(base::UserId user, base::NotificationId id) = 0;
    /// In the order asked; a user nobody knows has {0, 0}.
    virtual loop::Task<base::Result<std::vector<UserCount>>> counts(std::vector<base::UserId> users) = 0;
    /// What changed after version `since`, by state: at most `limit` (1-500) rows and 256 KB. An unknown or future
    /// `since`, or more than 500 changes, gives a reset.
    virtual loop::Task<base::Result<SyncPage>> sync(base::UserId user, base::Version since, std::uint32_t limit) = 0;
    /// Whether reads and writes would work now.
    virtual loop::Task<base::Result<void>> check() = 0;
};

}  // namespace carillon::store
