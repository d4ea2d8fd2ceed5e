#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "store/notification_store.hpp"

namespace carillon::notifications {

/// Where the next page of a list begins.
struct ListCursor {
    store::StatusFilter status = store::StatusFilter::all;
    base::Version before = 0;

    bool operator==(const ListCursor&) const = default;
};

/// Opaque for callers: 19 characters of base64url (RFC 4648 section 5, no padding) over format, version, status and a
/// checksum that also covers the user. It is no secret, only told from garbage and from another user's.
std::string encode_cursor(const ListCursor& cursor, base::UserId user);
/// Nothing but what `encode_cursor` made for that user.
std::optional<ListCursor> decode_cursor(std::string_view text, base::UserId user);

}  // namespace carillon::notifications
