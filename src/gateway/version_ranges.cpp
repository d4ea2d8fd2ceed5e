#include "gateway/version_ranges.hpp"

#include <algorithm>

namespace carillon::gateway {

void VersionRanges::add(base::Version first, base::Version last) {
    if (first > last) return;
    std::erase_if(ranges_, [&](const auto& range) {
        const bool apart = range.second + 1 < first || last + 1 < range.first;
        if (apart) return false;
        first = std::min(first, range.first);
        last = std::max(last, range.second);
        return true;
    });
    ranges_.insert(std::upper_bound(ranges_.begin(), ranges_.end(), std::pair{first, last}), {first, last});
    if (ranges_.size() > kRangesMax) ranges_.erase(ranges_.begin());
}

void VersionRanges::merge(const VersionRanges& other) {
    for (const auto& [first, last] : other.ranges_) add(first, last);
}

bool VersionRanges::contains(base::Version version) const {
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [version](const auto& range) { return range.first <= version && version <= range.second; });
}

bool VersionRanges::take(base::Version version) {
    if (!contains(version)) return false;
    const auto range = std::find_if(ranges_.begin(), ranges_.end(), [version](const auto& candidate) {
        return candidate.first <= version && version <= candidate.second;
    });
    const auto [first, last] = *range;
    ranges_.erase(range);
    add(version + 1, last);
    if (first < version) add(first, version - 1);
    return true;
}

}  // namespace carillon::gateway
