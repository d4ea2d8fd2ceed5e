#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.hpp"
#include "contracts/internal_bodies.hpp"
#include "gateway/notification_api.hpp"
#include "loop/suspend.hpp"

namespace carillon::app {

/// Gathers marks of many callers into few requests. A mark that finds no request under way goes out at once; what comes
/// meanwhile goes together when that is answered. So nobody waits on a quiet gateway, and on a busy one a request, a
/// wake-up and a transaction carry many. Another request goes beside the first when enough has gathered for it, or
/// somebody has waited long: one that hangs holds up nobody. Thread: any.
class ReadGatherer : public std::enable_shared_from_this<ReadGatherer> {
 public:
    using Result = gateway::ApiResult<gateway::MarkReadAnswer>;
    /// Sends 1 to `contracts::kBulkItemsMax` marks; one result for each, in order. Ends within a deadline of its own.
    using Send = std::function<loop::Task<std::vector<Result>>(std::vector<contracts::ReadsItem>)>;

    struct Limits {
        std::size_t requests_max = 16;
        std::size_t beside_min = 128;         ///< so many that wait are sent beside a request under way
        std::chrono::milliseconds wait{100};  ///< and those that have waited so long
        std::chrono::milliseconds linger{1};  ///< after many were answered, until the next ones are sent
        std::size_t waiting_max = 10'000;     ///< beyond it a mark is `unavailable`
    };

    ReadGatherer(Send send, Limits limits);

    loop::Task<Result> mark(contracts::ReadsItem item);

 private:
    struct Waiting {
        contracts::ReadsItem item;
        loop::Resume<Result> resume;
        base::SteadyTime since;
    };

    enum class Next { nothing, request, watch };

    void add(Waiting waiting, const loop::Executor& executor);
    Next queue(Waiting waiting);
    bool begin_request();
    Next look_after();
    std::vector<Waiting> take();
    static loop::Task<void> send_all(std::shared_ptr<ReadGatherer> self);
    static loop::Task<void> watch(std::shared_ptr<ReadGatherer> self);

    // Constant after construction.
    const Send send_;
    const Limits limits_;

    std::mutex mutex_;              // guards the rest
    std::vector<Waiting> waiting_;  // first in, first out
    std::size_t requests_ = 0;
    bool watched_ = false;  // somebody looks after those who wait long
};

}  // namespace carillon::app
