#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace carillon::base {

/// Reads "500ms", "2s", "10m" or "1h": a whole number and a unit, nothing else. At most 10 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest of those forms that is exact.
std::string format_duration(std::chrono::milliseconds duration);

}  // namespace carillon::base
