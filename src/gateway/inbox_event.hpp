#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "contracts/notification.hpp"
#include "contracts/socket_events.hpp"

namespace carillon::gateway {

/// One change of one user's inbox on its way to the user's sockets: a new notification, or notifications read.
struct InboxEvent {
    std::variant<contracts::Notification, contracts::InboxChange> change;
    std::uint64_t unread = 0;  ///< the user's count at `version`
    base::Version version = 0;
    base::Version offset = 0;                   ///< once it is sent, everything up to this version was
    bool late = false;                          ///< the sockets were told a later version already: its count is history
    bool from_elsewhere = false;                ///< it came without a version, and is not in the inbox's history
    std::optional<base::TimePoint> created_at;  ///< when it came over the bus and says so: for the latency
    std::string traceparent;                    ///< as it came over the bus; only while deliveries are logged
};

}  // namespace carillon::gateway
