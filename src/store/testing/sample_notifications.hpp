#pragma once

#include <string>
#include <string_view>

#include "store/notification_store.hpp"

namespace carillon::store::testing {

/// Some moment, the same in all tests.
inline constexpr base::TimePoint kNow{std::chrono::milliseconds{1'795'421'833'042}};

inline base::UserId new_user() {
    return base::UserId{base::Uuid::generate_v7(kNow)};
}
inline base::NotificationId new_id() {
    return base::NotificationId{base::Uuid::generate_v7(kNow)};
}

inline NewNotification for_user(base::UserId user, std::string title = "Hello") {
    NewNotification wanted;
    wanted.id = new_id();
    wanted.user_id = user;
    wanted.type = "greeting";
    wanted.title = std::move(title);
    wanted.created_at = kNow;
    return wanted;
}

/// As a service would make it from a user's call.
inline IdempotencyClaim claim_of(base::UserId owner, std::string_view key, std::string_view request = "request",
                                 base::TimePoint now = kNow) {
    return {base::sha256(owner.to_string() + "/" + std::string{key}), base::sha256(request), owner, now};
}

}  // namespace carillon::store::testing
