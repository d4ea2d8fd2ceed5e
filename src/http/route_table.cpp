#include "http/route_table.hpp"

#include <algorithm>
#include <stdexcept>

namespace carillon::http {

PathPattern::PathPattern(std::string_view pattern) {
    if (!pattern.starts_with('/')) throw std::logic_error{"a route's pattern begins with '/': " + std::string{pattern}};
    while (!pattern.empty()) {
        pattern.remove_prefix(1);
        const auto end = std::min(pattern.find('/'), pattern.size());
        const auto text = pattern.substr(0, end);
        segments_.push_back({std::string{text}, text.starts_with('{') && text.ends_with('}')});
        pattern.remove_prefix(end);
    }
}

bool PathPattern::matches(std::string_view path, std::vector<std::string>& values) const {
    values.clear();
    for (const auto& segment : segments_) {
        if (!path.starts_with('/')) return false;
        path.remove_prefix(1);
        const auto end = std::min(path.find('/'), path.size());
        const auto text = path.substr(0, end);
        path.remove_prefix(end);
        if (segment.is_value) {
            if (text.empty()) return false;
            values.emplace_back(text);
        } else if (text != segment.text) {
            return false;
        }
    }
    return path.empty();
}

bool PathPattern::goes_before(const PathPattern& other) const {
    return std::lexicographical_compare(segments_.begin(), segments_.end(), other.segments_.begin(),
                                        other.segments_.end(),
                                        [](const Segment& a, const Segment& b) { return !a.is_value && b.is_value; });
}

}  // namespace carillon::http
