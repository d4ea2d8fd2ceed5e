#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "contracts/notification.hpp"
#include "contracts/socket_events.hpp"
#include "contracts/validation.hpp"

/// The events on the bus. Other systems publish them too, so every field that api.md marks optional may be missing.
namespace carillon::contracts {

inline constexpr std::string_view kUserRegisteredSubject = "user.registered";
inline constexpr std::string_view kNotificationCreatedSubject = "notification.created";
inline constexpr std::string_view kNotificationUpdatedSubject = "notification.updated";

/// Of `email` and `name` in `user.registered`: an identity provider may have other rules than our registration.
inline constexpr std::size_t kForeignTextCharsMax = 320;

/// `user.registered`. Without `event_id` the event is told apart by `user_id`.
struct UserRegistered {
    std::optional<base::EventId> event_id;
    base::UserId user_id;
    std::string email;
    std::optional<std::string> name;
    base::TimePoint created_at;
};

/// `notification.created`. `notification.version` repeats `version` (0 without one); `notification.read_at` is empty.
struct NotificationCreated {
    base::EventId event_id;
    Notification notification;
    std::optional<std::uint64_t> unread_count;
    std::optional<base::Version> version;
};

/// `notification.updated`.
struct NotificationUpdated {
    base::EventId event_id;
    base::UserId user_id;
    InboxChange change;
};

std::string encode_bus_event(const UserRegistered& event);
std::string encode_bus_event(const NotificationCreated& event);
std::string encode_bus_event(const NotificationUpdated& event);

Decoded<UserRegistered> decode_user_registered(std::string_view json);
Decoded<NotificationCreated> decode_notification_created(std::string_view json);
Decoded<NotificationUpdated> decode_bus_notification_updated(std::string_view json);

}  // namespace carillon::contracts
