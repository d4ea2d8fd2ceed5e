#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "loadtest/result.hpp"
#include "loadtest/server_watch.hpp"

namespace carillon::loadtest {

/// Keeps the time line and the phases of a run: what happened in each second, and what each phase cost.
class Recorder {
 public:
    Recorder(Result& result, ServerWatch& watch);

    // What happens between two samples.
    void delivered(std::chrono::nanoseconds latency);
    void acked(std::chrono::nanoseconds latency);
    void created() { ++created_; }
    void marked() { ++marked_; }

    void begin_phase(std::string_view name);
    void end_phase();
    /// Takes a sample when a second is over, and gives it to `on_sample`. Once a turn.
    void tick(base::SteadyTime now, std::size_t connected);
    /// The rest of the last second.
    void finish(base::SteadyTime now, std::size_t connected);
    double seconds_since_start(base::SteadyTime when) const;

    std::function<void(const Sample&)> on_sample;

 private:
    void sample(base::SteadyTime now, std::size_t connected);

    Result& result_;
    ServerWatch& watch_;
    const base::SteadyTime start_;
    base::SteadyTime sampled_at_;
    LatencyHistogram latency_;
    LatencyHistogram ack_;
    std::uint64_t created_ = 0;
    std::uint64_t marked_ = 0;
    std::uint64_t delivered_ = 0;
    std::uint64_t connects_told_ = 0;
    std::uint64_t drops_told_ = 0;
    double own_cpu_told_ = 0;
    std::vector<ServerUse> told_;

    bool in_phase_ = false;
    double phase_own_cpu_ = 0;
    std::vector<ServerUse> phase_servers_;
};

}  // namespace carillon::loadtest
