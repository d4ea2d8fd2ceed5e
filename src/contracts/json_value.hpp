#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contracts/validation.hpp"

namespace carillon::contracts {

/// How deep arrays and objects may nest.
inline constexpr std::size_t kJsonDepthMax = 32;
/// Of one message, event or request. A notification whose every character is escaped fits.
inline constexpr std::size_t kMessageBytesMax = 128 * 1024;
/// Of a list: bulk bodies, pages, sync answers.
inline constexpr std::size_t kListBytesMax = 32 * 1024 * 1024;

/// A parsed JSON text. Numbers keep the digits they were written with, so that passing them on loses nothing.
struct JsonValue {
    enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

    Kind kind = Kind::null;
    bool boolean = false;
    std::string name;              ///< as a member of an object
    std::string text;              ///< of a string: its value, UTF-8; of a number: as written
    std::vector<JsonValue> items;  ///< of an array; of an object its members, in the order written

    bool is(Kind other) const { return kind == other; }
    /// The member of that name, or null.
    const JsonValue* find(std::string_view member) const;
};

/// Reads an I-JSON text (RFC 7493): JSON in UTF-8, no lone surrogate, no name twice in one object; at most `bytes_max`
/// long and kJsonDepthMax deep. Refusals are `not_json`.
Decoded<JsonValue> parse_json(std::string_view text, std::size_t bytes_max = kMessageBytesMax);

/// Appends `value` as compact JSON.
void append_json(std::string& out, const JsonValue& value);

/// What JSON Schema calls an integer (1.0 and 1e2 are integers), if it is one from 0 to 2^53 - 1.
std::optional<std::uint64_t> safe_integer(const JsonValue& value);

/// Whether other systems can hold it: no U+0000 in a string (PostgreSQL has none), no number beyond a double.
bool is_portable(const JsonValue& value);

}  // namespace carillon::contracts
