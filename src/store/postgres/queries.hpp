#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/errc.hpp"
#include "store/failure_log.hpp"
#include "store/postgres/pool.hpp"

namespace carillon::store::postgres {

struct QueryLimits {
    std::size_t queue_max = 10'000;             ///< that wait for a session
    std::size_t pipeline_max = 16;              ///< in flight in one session
    std::chrono::milliseconds time_max{4'000};  ///< of waiting and running together
};

/// Requests that stand for themselves (reads, and small writes of one transaction): each goes to the least busy session
/// of a pool, many in flight in each. What cannot be sent waits in a bounded queue, and not longer than its time.
///
/// Owned by shared_ptr. Thread: the executor's, for everything.
class Queries : public std::enable_shared_from_this<Queries> {
 public:
    Queries(std::shared_ptr<Pool> pool, QueryLimits limits, FailureLog& log);
    /// Once, before the first request.
    void start();

    /// Either the rows of each statement, or `overloaded`, or `unavailable`.
    using Outcome = base::Result<std::vector<Rows>>;
    /// `answer` is called once, and must only post.
    void send(Request request, std::function<void(Outcome)> answer);
    void expire(base::SteadyTime now);
    /// Takes no more; whatever waits or is under way is answered with `unavailable`.
    void close();

 private:
    struct Waiting {
        Request request;
        base::SteadyTime deadline;
        std::function<void(Outcome)> answer;
    };

    void pump();
    void submit(Session& session, Waiting waiting);
    void refuse_all();

    const std::shared_ptr<Pool> pool_;
    const QueryLimits limits_;
    FailureLog& log_;
    std::deque<Waiting> queue_;
    bool closed_ = false;
};

}  // namespace carillon::store::postgres
