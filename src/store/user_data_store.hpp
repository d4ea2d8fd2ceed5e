#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "loop/task.hpp"
#include "store/errc.hpp"
#include "store/inbox_results.hpp"
#include "store/outbox_store.hpp"

namespace carillon::store {

/// What one step of an erasure removes at most, of each kind.
inline constexpr std::uint32_t kEraseRowsMax = 1'000;

struct EraseStep {
    std::uint64_t notifications = 0;  ///< that this step removed
    InboxState state;                 ///< after it
    bool more = false;                ///< something is left: call again
};

/// An answer that is kept for an idempotency key.
struct KeptAnswer {
    std::uint64_t sequence = 0;
    base::TimePoint created_at;
    std::string answer_json;  ///< a JSON object
};

/// What the database keeps of one user beside the inbox's list: for the duties to hand out and to erase. Thread and
/// errors as `NotificationStore`.
class UserDataStore {
 public:
    virtual ~UserDataStore() = default;

    /// One step of erasing a user, in one transaction: at most `kEraseRowsMax` notifications, pending events and kept
    /// answers. When a notification or an event went, the user takes a version with the count of what is left, and one
    /// event with `reset` says so; a client that syncs from an older version gets a reset. Otherwise no version is
    /// taken. What stays is the user's id with the counters, so that versions never go back, and the ids of consumed
    /// events, so that none is applied again.
    virtual loop::Task<base::Result<EraseStep>> erase(base::UserId user, base::TimePoint now,
                                                      std::string traceparent) = 0;
    /// The user's events that are not yet on the bus: above `after`, in order, at most `limit`.
    virtual loop::Task<base::Result<std::vector<OutboxEvent>>> pending_events(base::UserId user, std::uint64_t after,
                                                                              std::uint32_t limit) = 0;
    /// Above `after`, in order, at most `limit`.
    virtual loop::Task<base::Result<std::vector<KeptAnswer>>> kept_answers(base::UserId user, std::uint64_t after,
                                                                           std::uint32_t limit) = 0;
};

}  // namespace carillon::store
