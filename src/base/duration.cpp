#include "base/duration.hpp"

#include <array>
#include <charconv>

namespace carillon::base {
namespace {

struct Unit {
    std::string_view suffix;
    std::int64_t milliseconds;
};
// Largest first, "ms" before "m" and "s" so that it is not read as either.
constexpr std::array<Unit, 4> kUnits{{{"ms", 1}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}}};
constexpr std::int64_t kLongestMs = 10LL * 366 * 24 * 3'600'000;

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    for (const auto& unit : kUnits) {
        if (!text.ends_with(unit.suffix)) continue;
        const auto digits = text.substr(0, text.size() - unit.suffix.size());
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty() || value < 0 ||
            value > kLongestMs / unit.milliseconds) {
            return std::nullopt;
        }
        return std::chrono::milliseconds{value * unit.milliseconds};
    }
    return std::nullopt;
}

std::string format_duration(std::chrono::milliseconds duration) {
    const auto count = duration.count();
    for (const auto& unit : {kUnits[1], kUnits[2], kUnits[3]}) {
        if (count != 0 && count % unit.milliseconds == 0) {
            return std::to_string(count / unit.milliseconds) + std::string{unit.suffix};
        }
    }
    return std::to_string(count) + "ms";
}

}  // namespace carillon::base
