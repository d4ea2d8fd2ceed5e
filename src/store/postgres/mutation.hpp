#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>

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

using Work = std::variant<CreateWork, MarkReadWork, ReadAllWork>;

/// An error, or the result that belongs to the work.
using Answer = std::variant<base::ErrorCode, Created, MarkedRead, ReadAll>;

struct Mutation {
    base::UserId user;
    Work work;
    base::SteadyTime deadline;           ///< what has not begun by then is refused
    std::function<void(Answer)> answer;  ///< must only post

    /// Tells the caller; only the first time.
    void settle(Answer given) {
        if (const auto told = std::exchange(answer, nullptr)) told(std::move(given));
    }
};

}  // namespace carillon::store::postgres
