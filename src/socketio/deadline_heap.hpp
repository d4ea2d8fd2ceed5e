#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "base/clock.hpp"

namespace carillon::socketio {

/// Something with at most one deadline in a `DeadlineHeap`. Must be removed before it dies.
class Timed {
    friend class DeadlineHeap;
    static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();
    std::size_t heap_slot_ = kNowhere;
};

/// Deadlines in order: a binary heap whose members know their place, so that setting, moving and removing one is
/// O(log n) and finding the next is O(1). Never scans.
class DeadlineHeap {
 public:
    std::optional<base::SteadyTime> next() const {
        if (entries_.empty()) return std::nullopt;
        return entries_.front().at;
    }

    /// The deadline of `timed`, or nullopt when it has none here.
    std::optional<base::SteadyTime> of(const Timed& timed) const {
        if (timed.heap_slot_ == Timed::kNowhere) return std::nullopt;
        return entries_[timed.heap_slot_].at;
    }

    void set(Timed& timed, base::SteadyTime at) {
        if (timed.heap_slot_ == Timed::kNowhere) {
            timed.heap_slot_ = entries_.size();
            entries_.push_back({at, &timed});
        } else {
            entries_[timed.heap_slot_].at = at;
        }
        settle(timed.heap_slot_);
    }

    void remove(Timed& timed) {
        const std::size_t slot = timed.heap_slot_;
        if (slot == Timed::kNowhere) return;
        timed.heap_slot_ = Timed::kNowhere;
        const Entry last = entries_.back();
        entries_.pop_back();
        if (slot == entries_.size()) return;
        place(slot, last);
        settle(slot);
    }

    /// Takes out one whose deadline is not after `now`, the earliest first; null when there is none.
    Timed* pop_due(base::SteadyTime now) {
        if (entries_.empty() || entries_.front().at > now) return nullptr;
        Timed* const timed = entries_.front().timed;
        remove(*timed);
        return timed;
    }

    std::size_t size() const { return entries_.size(); }

 private:
    struct Entry {
        base::SteadyTime at;
        Timed* timed;
    };

    void place(std::size_t slot, Entry entry) {
        entries_[slot] = entry;
        entry.timed->heap_slot_ = slot;
    }

    void settle(std::size_t slot) {
        const Entry moving = entries_[slot];
        while (slot > 0 && moving.at < entries_[(slot - 1) / 2].at) {
            place(slot, entries_[(slot - 1) / 2]);
            slot = (slot - 1) / 2;
        }
        for (;;) {
            std::size_t child = 2 * slot + 1;
            if (child >= entries_.size()) break;
            if (child + 1 < entries_.size() && entries_[child + 1].at < entries_[child].at) ++child;
            if (!(entries_[child].at < moving.at)) break;
            place(slot, entries_[child]);
            slot = child;
        }
        place(slot, moving);
    }

    std::vector<Entry> entries_;
};

}  // namespace carillon::socketio
