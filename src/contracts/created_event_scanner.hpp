#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "contracts/bus_events.hpp"

namespace carillon::contracts {

/// `notification.created` as it lies in its text, which outlives this.
struct CreatedEventText {
    base::EventId event_id;
    base::NotificationId notification_id;
    base::UserId user_id;
    // Valid JSON strings, without their quotes; escapes are as they were written.
    std::string_view type;
    std::string_view title;
    std::optional<std::string_view> body;
    base::TimePoint created_at;
    std::optional<std::uint64_t> unread_count;
    std::optional<base::Version> version;
    /// The members from `notificationId` to `version`: with both counters, and with ids in lower case, byte for byte
    /// what `notification:new` has between its braces. Empty when it is not that.
    std::string_view socket_event_members;
};

/// Reads `notification.created` as our own services write it: the fields in the encoder's order, no spaces, texts in
/// UTF-8 with no escapes but the two-character ones, no `data`. Nullopt for everything else, good or bad: the general
/// decoder decides about it. Allocates nothing.
std::optional<CreatedEventText> scan_created_event(std::string_view json);

/// What the general decoder would have made of it.
NotificationCreated to_event(const CreatedEventText& text);

}  // namespace carillon::contracts
