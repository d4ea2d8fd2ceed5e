#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "store/outbox_store.hpp"

namespace carillon::outbox {

/// Where the store's thread leaves newly committed events for the relay's. Bounded: what does not fit is dropped and
/// must be read from the store. Thread: any.
class CommittedInbox {
 public:
    explicit CommittedInbox(std::size_t events_max) : events_max_{events_max} {}

    /// True when the relay must be woken.
    [[nodiscard]] bool put(std::vector<store::OutboxEvent> events) {
        const std::lock_guard lock{mutex_};
        if (closed_ || events.empty()) return false;
        highest_ = std::max(highest_, events.back().sequence);
        if (events_.size() + events.size() > events_max_) {
            overflowed_ = true;
        } else {
            std::move(events.begin(), events.end(), std::back_inserter(events_));
        }
        return !std::exchange(waking_, true);
    }

    struct Taken {
        std::vector<store::OutboxEvent> events;
        bool overflowed = false;  ///< there were more
    };
    Taken take() {
        const std::lock_guard lock{mutex_};
        waking_ = false;
        return {std::exchange(events_, {}), std::exchange(overflowed_, false)};
    }

    /// The highest sequence of which the store has told.
    std::uint64_t highest() const {
        const std::lock_guard lock{mutex_};
        return highest_;
    }

    /// Nobody is to be woken from now on.
    void close() {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        events_ = {};
    }

 private:
    // Constant after construction.
    const std::size_t events_max_;
    // Guarded by mutex_.
    mutable std::mutex mutex_;
    std::vector<store::OutboxEvent> events_;
    std::uint64_t highest_ = 0;
    bool overflowed_ = false;
    bool waking_ = false;
    bool closed_ = false;
};

}  // namespace carillon::outbox
