#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "loop/task.hpp"
#include "store/errc.hpp"

namespace carillon::store {

/// An event that was committed with a change and is due on the bus.
struct OutboxEvent {
    std::uint64_t sequence = 0;  ///< grows in commit order
    base::EventId event_id;
    std::string subject;
    std::string payload;
    std::string traceparent;
    base::TimePoint created_at;
};

/// The events that one service committed and has not yet seen acknowledged by the bus. Removing one is what makes a
/// delivery final; what is still there after a crash goes out again. Thread: any executor.
class OutboxStore {
 public:
    virtual ~OutboxStore() = default;

    /// `listener` is told of newly committed events, in commit order, right after each commit, on a thread of the
    /// store: it must only post. One listener; set before the first change.
    virtual void on_committed(std::function<void(std::vector<OutboxEvent>)> listener) = 0;
    /// Events above `after`, in order, at most `limit`.
    virtual loop::Task<base::Result<std::vector<OutboxEvent>>> pending(std::uint64_t after, std::uint32_t limit) = 0;
    virtual loop::Task<base::Result<void>> remove(std::vector<std::uint64_t> sequences) = 0;
    virtual loop::Task<base::Result<std::uint64_t>> pending_count() = 0;
};

}  // namespace carillon::store
