#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "contracts/validation.hpp"

namespace carillon::contracts {

// Limits of a notification. Lengths are in Unicode code points, as JSON Schema counts.
inline constexpr std::size_t kTypeCharsMax = 64;
inline constexpr std::size_t kTitleCharsMax = 200;
inline constexpr std::size_t kBodyCharsMax = 4'000;
/// Of `data`, in bytes of compact JSON (as `data_json` holds it). A schema cannot say it.
inline constexpr std::size_t kDataBytesMax = 4'096;

/// One row of a user's inbox. `contracts/notification.json`
struct Notification {
    base::NotificationId id;
    base::UserId user_id;
    std::string type;
    std::string title;
    std::optional<std::string> body;
    /// A JSON object, compact (no space, minimal escapes), names in the order received, numbers as they were written.
    /// Encoders paste it as it is, so it must come from a decoder of this room or from the store.
    std::optional<std::string> data_json;
    base::TimePoint created_at;
    std::optional<base::TimePoint> read_at;
    base::Version version = 0;

    bool operator==(const Notification&) const = default;
};

/// `{notificationId, userId, type, title, body?, data?, createdAt, readAt, version}`; `readAt` is null while unread.
std::string encode_notification(const Notification& notification);
void append_notification(std::string& out, const Notification& notification);
Decoded<Notification> decode_notification(std::string_view json);

/// Whether a click may lead there: an http(s) URL with a host, or a relative reference that stays on the host (no
/// scheme, no `//host`). No space, control character or backslash, which browsers drop or read as a slash. Not empty.
bool is_safe_link(std::string_view url);

}  // namespace carillon::contracts
