#pragma once

#include <cstddef>
#include <unordered_set>

#include "base/ids.hpp"

namespace carillon::gateway {

/// Remembers the last event ids, so that one that comes twice rings once. Bounded: two generations of ids; when the
/// young one is full it becomes the old one, and the old one is forgotten. Touched only on one thread.
class SeenEvents {
 public:
    explicit SeenEvents(std::size_t generation_size) : generation_size_{generation_size} {}

    /// True the first time.
    bool first_time(base::EventId id) {
        if (old_.contains(id) || !young_.insert(id).second) return false;
        if (young_.size() >= generation_size_) {
            old_ = std::move(young_);
            young_ = {};
        }
        return true;
    }
    std::size_t remembered() const { return young_.size() + old_.size(); }

 private:
    const std::size_t generation_size_;
    std::unordered_set<base::EventId> young_;
    std::unordered_set<base::EventId> old_;
};

}  // namespace carillon::gateway
