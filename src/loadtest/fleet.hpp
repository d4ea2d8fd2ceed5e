#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "loadtest/endpoint.hpp"
#include "loadtest/latency_histogram.hpp"
#include "loadtest/plan.hpp"
#include "loadtest/socketio_client.hpp"
#include "loadtest/user_tokens.hpp"

namespace carillon::loadtest {

/// What became of the connections.
struct ConnectionCounts {
    std::uint64_t attempts = 0;
    std::uint64_t connected = 0;
    std::uint64_t failed = 0;
    std::uint64_t dropped = 0;                      ///< ready, and ended by the server or the network
    std::map<std::string, std::uint64_t> failures;  ///< of attempts, by reason
    std::map<std::string, std::uint64_t> drops;     ///< by reason
};

/// All the clients: opens those that are wanted at a rate, brings back those that were dropped as a stock client would
/// (not after a refusal of the token), and counts.
class Fleet {
 public:
    Fleet(const Plan& plan, Reactor& reactor, ClientEvents& events, const UserTokens& users);

    SocketIoClient& client(std::uint32_t user, std::uint32_t tab) { return *clients_[user * tabs_ + tab]; }
    std::vector<std::unique_ptr<SocketIoClient>>& all() { return clients_; }
    std::size_t size() const { return clients_.size(); }

    /// Wants the client connected from `when` on.
    void want(SocketIoClient& client, base::SteadyTime when);
    /// Does not want it any more: says goodbye.
    void release(SocketIoClient& client);
    /// Its connection breaks, as by a lost network; it is not wanted from then on.
    void lose(SocketIoClient& client);
    /// How fast attempts may begin, and how many may be under way. `rate` 0: no limit.
    void set_pace(double rate, std::size_t connecting);
    /// Begins attempts that are due and ends those that take too long. Once a turn, not from inside a callback.
    void tick(base::SteadyTime now);

    // For the owner's ClientEvents.
    void on_ready(SocketIoClient& client, base::SteadyTime now);
    void on_ended(SocketIoClient& client, std::string_view reason, bool was_ready);

    const ConnectionCounts& counts() const { return counts_; }
    /// Wanted, and not yet ready: waiting, connecting, or given up.
    std::size_t missing() const { return wanted_ - ready_; }
    std::size_t ready() const { return ready_; }
    /// Refused in a way that a stock client does not retry, or out of attempts.
    std::size_t given_up() const { return given_up_; }
    LatencyHistogram& connect_latency() { return connect_latency_; }
    std::size_t targets() const { return endpoints_.size(); }

    /// Whether an attempt that failed is made again. Off: each client has one attempt.
    bool retry = true;

 private:
    struct Due {
        base::SteadyTime when;
        std::uint32_t index = 0;
        bool operator>(const Due& other) const { return when > other.when; }
    };

    void begin(SocketIoClient& client);
    void leave(SocketIoClient& client);
    void attempt_failed(SocketIoClient& client, std::string_view reason);
    void ended_wanted(SocketIoClient& client, std::string_view reason);
    void expire(base::SteadyTime now);

    // Constant after construction
    const Plan& plan_;
    const UserTokens& users_;
    const std::uint32_t tabs_;
    const ClientSettings settings_;
    std::vector<Endpoint> endpoints_;
    std::optional<Endpoint> standby_;
    std::vector<sockaddr_in> sources_;

    std::vector<std::unique_ptr<SocketIoClient>> clients_;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    std::deque<std::pair<base::SteadyTime, std::uint32_t>> under_way_;  ///< in the order of their beginning
    double rate_ = 0;
    std::size_t connecting_max_ = 0;
    base::SteadyTime pace_since_{};
    double paced_ = 0;  ///< begun since then
    std::size_t connecting_ = 0;
    std::size_t wanted_ = 0;
    std::size_t ready_ = 0;
    std::size_t given_up_ = 0;
    ConnectionCounts counts_;
    LatencyHistogram connect_latency_;
    std::minstd_rand random_{1};
};

}  // namespace carillon::loadtest
