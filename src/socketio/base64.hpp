#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace carillon::socketio {

/// Appends the standard alphabet with padding (RFC 4648 section 4).
void append_base64(std::string& out, std::string_view bytes);

/// Reads it back. Padding may be missing; anything else that is not canonical is refused.
std::optional<std::string> decode_base64(std::string_view text);

/// The URL-safe alphabet without padding (RFC 4648 section 5).
std::string encode_base64url(std::string_view bytes);

}  // namespace carillon::socketio
