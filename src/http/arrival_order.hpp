#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "loop/task.hpp"

namespace carillon::http {

/// Puts requests that come in on several shards into the order in which the system received them.
///
/// A client may send two requests of one session on two connections, which two shards have accepted. The shard that
/// owns the session sees them in whatever order its siblings get around to handing theirs over. So a request waits for
/// a round: every shard says that it has handed over what had arrived when the round began. Then those that had
/// arrived by then take their turns, the earliest first. One round is on its way at a time, however many wait for it.
///
/// Everything on the home shard's thread.
class ArrivalOrder : public std::enable_shared_from_this<ArrivalOrder> {
 public:
    explicit ArrivalOrder(loop::Executor home);

    /// The executors of all shards, the home one included. Set before serving.
    void set_shards(std::vector<loop::Executor> shards) { shards_ = std::move(shards); }
    /// With one shard the order is what it is.
    bool needed() const { return shards_.size() > 1; }
    /// Calls `turn` when it is the request's. `arrived_ns` as in `Received`; 0: now.
    void wait(std::int64_t arrived_ns, std::function<void()> turn);

 private:
    struct Waiting {
        std::int64_t arrived_ns;
        std::uint64_t seen_before;  ///< the first round that began after it was here
        std::function<void()> turn;
    };

    void begin_round();
    void on_shard_done(std::uint64_t round);
    void end_round();

    // Constant after construction.
    const loop::Executor home_;
    std::vector<loop::Executor> shards_;

    // Touched only on the home shard's thread.
    std::vector<Waiting> waiting_;
    boost::asio::steady_timer give_up_;  ///< a shard that stands still must not hold up the others for ever
    std::uint64_t round_ = 0;            ///< the number of the latest
    std::int64_t round_began_ns_ = 0;
    std::size_t shards_missing_ = 0;  ///< of the running round; 0: none is running
};

}  // namespace carillon::http
