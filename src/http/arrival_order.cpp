#include "http/arrival_order.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "http/receive.hpp"

namespace carillon::http {
namespace {

namespace asio = boost::asio;

/// A connection in the kernel's queue is accepted, read, parsed and handed over within so many turns of the loop.
constexpr int kTurns = 8;
constexpr std::chrono::seconds kRoundMax{1};

/// Runs `then` on the executor after it has looked for new events several times.
void after_turns(const loop::Executor& executor, int turns, std::function<void()> then) {
    asio::post(executor, [executor, turns, then = std::move(then)]() mutable {
        if (turns == 0) return then();
        after_turns(executor, turns - 1, std::move(then));
    });
}

}  // namespace

ArrivalOrder::ArrivalOrder(loop::Executor home) : home_{std::move(home)}, give_up_{home_} {}

void ArrivalOrder::wait(std::int64_t arrived_ns, std::function<void()> turn) {
    waiting_.push_back({arrived_ns != 0 ? arrived_ns : arrival_clock_ns(), round_ + 1, std::move(turn)});
    if (shards_missing_ == 0) begin_round();
}

void ArrivalOrder::begin_round() {
    ++round_;
    round_began_ns_ = arrival_clock_ns();
    shards_missing_ = shards_.size();
    for (const auto& shard : shards_) {
        after_turns(shard, kTurns, [self = shared_from_this(), round = round_] {
            asio::post(self->home_, [self, round] { self->on_shard_done(round); });
        });
    }
    give_up_.expires_after(kRoundMax);
    give_up_.async_wait([self = shared_from_this(), round = round_](boost::system::error_code ec) {
        if (!ec && round == self->round_ && self->shards_missing_ > 0) self->end_round();
    });
}

void ArrivalOrder::on_shard_done(std::uint64_t round) {
    if (round != round_ || shards_missing_ == 0 || --shards_missing_ > 0) return;
    end_round();
}

void ArrivalOrder::end_round() {
    shards_missing_ = 0;
    give_up_.cancel();
    // All that arrived before the round began is here. The clock may be set back: what was here by then goes too.
    const auto due = [this](const Waiting& one) {
        return one.arrived_ns <= round_began_ns_ || one.seen_before <= round_;
    };
    std::vector<Waiting> turns;
    const auto rest =
        std::stable_partition(waiting_.begin(), waiting_.end(), [&](const Waiting& one) { return !due(one); });
    turns.assign(std::make_move_iterator(rest), std::make_move_iterator(waiting_.end()));
    waiting_.erase(rest, waiting_.end());
    std::stable_sort(turns.begin(), turns.end(),
                     [](const Waiting& a, const Waiting& b) { return a.arrived_ns < b.arrived_ns; });
    for (auto& one : turns) one.turn();
    if (!waiting_.empty() && shards_missing_ == 0) begin_round();
}

}  // namespace carillon::http
