#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace carillon::token {

/// base64url without padding (RFC 7515 section 2).
std::string base64url_encode(std::string_view bytes);

/// Strict: nothing but the 64 characters, no padding, no impossible length, and the unused bits of the last character
/// zero, so that every text has one spelling only (RFC 4648 section 3.5).
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace carillon::token
