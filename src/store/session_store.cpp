#include "store/session_store.hpp"

#include <charconv>

namespace carillon::store {

std::string encode_rotations(const std::vector<base::TimePoint>& rotations) {
    std::string text;
    for (const base::TimePoint time : rotations) {
        if (!text.empty()) text.push_back(',');
        text += std::to_string(time.time_since_epoch().count());
    }
    return text;
}

std::vector<base::TimePoint> decode_rotations(std::string_view text) {
    std::vector<base::TimePoint> rotations;
    while (!text.empty() && rotations.size() < kRotationsMax) {
        std::int64_t milliseconds = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), milliseconds);
        if (error != std::errc{}) break;
        rotations.emplace_back(std::chrono::milliseconds{milliseconds});
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (!text.empty()) text.remove_prefix(1);
    }
    return rotations;
}

}  // namespace carillon::store
