#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace carillon::socketio {

/// The length of the UTF-8 sequence (RFC 3629) that `text` begins with, or 0 when it begins with none: overlong forms,
/// surrogates and values past U+10FFFF are none. `text` is not empty.
std::size_t utf8_sequence_length(std::string_view text);

bool is_valid_utf8(std::string_view text);

/// Appends a code point; a surrogate, or a value past U+10FFFF, becomes U+FFFD.
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace carillon::socketio
