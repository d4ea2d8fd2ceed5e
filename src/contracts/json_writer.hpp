#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"

/// Appending JSON to a buffer: the encoders' pen. Nothing here allocates beyond the buffer.
namespace carillon::contracts {

/// `text` as a JSON string with its quotes. Escapes `"`, `\` and control characters (RFC 8259 section 7); bytes that
/// are no UTF-8 become U+FFFD, so that the output is always valid.
void append_json_string(std::string& out, std::string_view text);

/// Bytes of the well-formed UTF-8 sequence of more than one byte (Unicode 15, table 3-7) that `text` starts with; 0 if
/// it starts with none.
std::size_t utf8_sequence(std::string_view text);

/// Without quotes: for lower-case letters, digits and the like, which need no escape.
void append_number(std::string& out, std::uint64_t value);

/// These four with quotes.
void append_version(std::string& out, base::Version version);
void append_time(std::string& out, base::TimePoint time);
void append_uuid(std::string& out, const base::Uuid& uuid);
template <class Tag>
void append_id(std::string& out, const base::Id<Tag>& id) {
    append_uuid(out, id.uuid);
}

}  // namespace carillon::contracts
