#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "store/outbox_store.hpp"

namespace carillon::store::postgres {

/// Gives out the sequences of one instance's outbox, and tells the listener of committed events in their order.
///
/// Transactions run side by side and commit in any order, but whoever reads the outbox goes on from the last sequence
/// it saw. So a range of sequences counts as settled only when all ranges before it are: committed, rolled back, or,
/// after a lost connection, found out about.
///
/// Thread: the executor's; `listen` any.
class OutboxLedger {
 public:
    struct Range {
        std::uint64_t first = 0;
        std::uint64_t size = 0;
        std::uint64_t last() const { return first + size - 1; }
    };
    using Listener = std::function<void(std::vector<OutboxEvent>)>;

    void listen(Listener listener);

    /// `size` is at least 1. Each range must be settled by one of the next two in the end.
    Range reserve(std::uint64_t size);
    /// `events` have their sequences, from the range; it may have more than there are events.
    void committed(Range range, std::vector<OutboxEvent> events);
    void dropped(Range range);

    /// All sequences up to here are settled.
    std::uint64_t settled() const;

 private:
    struct Entry {
        std::uint64_t size = 0;
        bool settled = false;
        std::vector<OutboxEvent> events;
    };

    void settle(Range range, std::vector<OutboxEvent> events);

    std::uint64_t next_ = 1;
    std::map<std::uint64_t, Entry> open_;  // from the first that is not settled

    std::mutex listener_mutex_;
    Listener listener_;
};

}  // namespace carillon::store::postgres
