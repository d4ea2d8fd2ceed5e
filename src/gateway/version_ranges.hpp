#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/ids.hpp"

namespace carillon::gateway {

/// A set of versions, kept as sorted ranges that do not touch. Bounded: past `kRangesMax` the lowest range is
/// forgotten.
class VersionRanges {
 public:
    static constexpr std::size_t kRangesMax = 32;

    /// Adds `first`..`last`, both included; nothing when `first > last`. May overlap what is there.
    void add(base::Version first, base::Version last);
    void merge(const VersionRanges& other);
    bool contains(base::Version version) const;
    /// Removes the version; whether it was there.
    bool take(base::Version version);
    void clear() { ranges_.clear(); }
    bool empty() const { return ranges_.empty(); }

 private:
    std::vector<std::pair<base::Version, base::Version>> ranges_;
};

}  // namespace carillon::gateway
