#include "loadtest/recorder.hpp"

#include <utility>

namespace carillon::loadtest {
namespace {

using namespace std::chrono_literals;

constexpr auto kSampleEvery = 1s;
constexpr auto kShortestSample = 200ms;

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

/// Memory as it is, CPU since `before`.
std::vector<ServerUse> since(const std::vector<ServerUse>& before, const std::vector<ServerUse>& now) {
    std::vector<ServerUse> used = now;
    for (std::size_t i = 0; i < used.size() && i < before.size(); ++i) {
        used[i].seen = now[i].seen && before[i].seen;
        used[i].cpu_seconds = used[i].seen ? now[i].cpu_seconds - before[i].cpu_seconds : 0;
    }
    return used;
}

}  // namespace

Recorder::Recorder(Result& result, ServerWatch& watch)
    : result_{result},
      watch_{watch},
      start_{std::chrono::steady_clock::now()},
      sampled_at_{start_},
      own_cpu_told_{own_cpu_seconds()},
      told_{watch.read()} {
    for (const auto& use : told_) result_.memory_before_kb.push_back(use.memory_kb);
}

double Recorder::seconds_since_start(base::SteadyTime when) const {
    return seconds(when - start_);
}

void Recorder::delivered(std::chrono::nanoseconds latency) {
    latency_.add(latency);
    result_.latency.add(latency);
    ++delivered_;
}

void Recorder::acked(std::chrono::nanoseconds latency) {
    ack_.add(latency);
    result_.ack_latency.add(latency);
}

void Recorder::begin_phase(std::string_view name) {
    end_phase();
    in_phase_ = true;
    Phase phase;
    phase.name = name;
    phase.from_seconds = seconds_since_start(std::chrono::steady_clock::now());
    result_.phases.push_back(std::move(phase));
    phase_own_cpu_ = own_cpu_seconds();
    phase_servers_ = watch_.read();
}

void Recorder::end_phase() {
    if (!std::exchange(in_phase_, false)) return;
    Phase& phase = result_.phases.back();
    phase.seconds = seconds_since_start(std::chrono::steady_clock::now()) - phase.from_seconds;
    phase.own_cpu_seconds = own_cpu_seconds() - phase_own_cpu_;
    phase.servers = since(phase_servers_, watch_.read());
}

void Recorder::tick(base::SteadyTime now, std::size_t connected) {
    if (now - sampled_at_ >= kSampleEvery) sample(now, connected);
}

void Recorder::finish(base::SteadyTime now, std::size_t connected) {
    if (now - sampled_at_ >= kShortestSample) sample(now, connected);
}

void Recorder::sample(base::SteadyTime now, std::size_t connected) {
    Sample sample;
    sample.at_seconds = seconds_since_start(now);
    sample.seconds = seconds(now - std::exchange(sampled_at_, now));
    sample.connected = connected;
    sample.connects = result_.connections.connected - std::exchange(connects_told_, result_.connections.connected);
    sample.drops = result_.connections.dropped - std::exchange(drops_told_, result_.connections.dropped);
    sample.created = std::exchange(created_, 0);
    sample.marked = std::exchange(marked_, 0);
    sample.delivered = std::exchange(delivered_, 0);
    sample.latency = latency_.summary();
    sample.ack = ack_.summary();
    latency_.clear();
    ack_.clear();
    const double own = own_cpu_seconds();
    sample.own_cpu = (own - std::exchange(own_cpu_told_, own)) / sample.seconds;
    const auto uses = watch_.read();
    sample.servers = since(std::exchange(told_, uses), uses);
    result_.samples.push_back(std::move(sample));
    if (on_sample) on_sample(result_.samples.back());
}

}  // namespace carillon::loadtest
