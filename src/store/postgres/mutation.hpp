#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "store/notification_store.hpp"

/// A change of one inbox that waits to be applied. Internal to the room.
namespace carillon::store::postgres {

struct CreateWork {
    NewNotification wanted;
    base::EventId event_id;
};

struct MarkReadWork {
    base::NotificationId id;
    base::TimePoint now;
    std::string traceparent;
    base::EventId event_id;
};

struct ReadAllWork {
    std::optional<base::Version> before;
    base::TimePoint now;
    std::string traceparent;
    base::EventId event_id;
};

/// All or nothing, for one user or several.
struct CreateOnceWork {
    std::vector<NewNotification> batch;
    std::vector<base::EventId> event_ids;
};

using Work = std::variant<CreateWork, MarkReadWork, ReadAllWork, CreateOnceWork>;

/// An error, or the result that belongs to the work. `CreatedIds` is what the first call created; its rows are to be
/// read.
using Answer = std::variant<base::ErrorCode, Created, MarkedRead, ReadAll, CreatedOnce, CreatedIds>;

struct Mutation {
    base::UserId user;  ///< of several, the first
    Work work;
    std::optional<IdempotencyClaim> claim;
    base::SteadyTime deadline;           ///< what has not begun by then is refused
    std::function<void(Answer)> answer;  ///< must only post

    /// How many notifications it makes or reads, roughly.
    std::size_t weight() const {
        const auto* unit = std::get_if<CreateOnceWork>(&work);
        return unit == nullptr ? 1 : unit->batch.size();
    }
    /// Whether it touches no other user's inbox.
    bool is_of_one_user() const {
        const auto* unit = std::get_if<CreateOnceWork>(&work);
        return unit == nullptr || std::all_of(unit->batch.begin(), unit->batch.end(),
                                              [this](const auto& wanted) { return wanted.user_id == user; });
    }
    /// Tells the caller; only the first time.
    void settle(Answer given) {
        if (const auto told = std::exchange(answer, nullptr)) told(std::move(given));
    }
};

}  // namespace carillon::store::postgres
