#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "base/clock.hpp"

namespace carillon::gateway {

/// What is to happen when: callbacks ordered by time, without I/O. Whoever drives it calls `run_due` at `next()`.
/// Touched only on one thread. A callback may add and cancel.
class DeadlineQueue {
 public:
    /// Names one entry; the default one names none. Good for `cancel` at any later time.
    using Handle = std::pair<base::SteadyTime, std::uint64_t>;

    Handle add(base::SteadyTime when, std::function<void()> callback);
    /// Does nothing when it has run or was cancelled.
    void cancel(const Handle& handle) { entries_.erase(handle); }
    std::optional<base::SteadyTime> next() const;
    void run_due(base::SteadyTime now);
    std::size_t size() const { return entries_.size(); }
    void clear() { entries_.clear(); }

    /// Called when an entry was added that is earlier than all others.
    std::function<void()> on_earlier;

 private:
    std::map<Handle, std::function<void()>> entries_;
    std::uint64_t added_ = 0;
};

}  // namespace carillon::gateway
