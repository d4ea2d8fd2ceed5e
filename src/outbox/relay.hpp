#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "bus/bus.hpp"
#include "loop/task.hpp"
#include "metrics/registry.hpp"
#include "store/outbox_store.hpp"

namespace carillon::outbox {

struct RelayConfig {
    std::string service;                    ///< label of the gauge and of the log lines
    std::size_t in_flight_max = 256;        ///< publishes under way at once
    std::size_t memory_events_max = 4'096;  ///< that wait here for the bus; above, they are read from the store later
    std::uint32_t page_size = 500;
    std::size_t remove_batch_max = 256;
    /// How long an acknowledged row may wait for others to be removed with it. After a crash it goes out once more.
    std::chrono::milliseconds remove_linger{20};
    std::chrono::milliseconds retry_pause_min{50};  ///< after a failure; doubles with each, and starts anew on success
    std::chrono::milliseconds retry_pause_max{2'000};
};

/// Brings what one store committed onto the bus: one relay for each `OutboxStore`.
///
/// An event is published as soon as it is committed, many at once, started in the order of their sequence. Its row is
/// removed when the bus has acknowledged it; until then it is retried, and after a restart it is read again, so no
/// event is lost and each goes out once unless something fails. Events that do not fit into memory are read from the
/// store page by page when the bus has taken the rest.
///
/// Gauge: `outbox_pending{service}`. Says once in the log when it falls behind, and once when it has caught up.
///
/// Owned by `app/`. Works on `executor`, which runs on one thread. `store`, `bus` and `metrics` must live until `stop`
/// has returned.
class Relay {
 public:
    /// Becomes the listener of `store`: construct it before the store's first change.
    Relay(loop::Executor executor, store::OutboxStore& store, bus::Bus& bus, metrics::Registry& metrics,
          RelayConfig config);
    /// After `stop`, or when the loop has ended.
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    /// Reads what is left from before and begins to publish. Thread: any.
    void start();
    /// Starts no more publishes and waits, at most `deadline`, for those under way and for the removal of their rows.
    /// Thread: any; comes back to the caller's own.
    loop::Task<void> stop(std::chrono::milliseconds deadline);

 private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace carillon::outbox
