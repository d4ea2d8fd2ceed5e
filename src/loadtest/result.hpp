#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "loadtest/delivery_ledger.hpp"
#include "loadtest/fleet.hpp"
#include "loadtest/latency_histogram.hpp"
#include "loadtest/read_ledger.hpp"

namespace carillon::loadtest {

/// What a watched server used, in one second or one phase.
struct ServerUse {
    double cpu_seconds = 0;
    std::uint64_t memory_kb = 0;  ///< resident, at the end
    bool seen = false;            ///< it could be read
};

/// One second of a run.
struct Sample {
    double at_seconds = 0;  ///< since the start, at its end
    double seconds = 0;     ///< its length
    std::size_t connected = 0;
    std::uint64_t connects = 0;
    std::uint64_t drops = 0;
    std::uint64_t created = 0;
    std::uint64_t delivered = 0;
    std::uint64_t marked = 0;
    LatencyHistogram::Summary latency;  ///< created to socket
    LatencyHistogram::Summary ack;
    double own_cpu = 0;  ///< share of a core
    std::vector<ServerUse> servers;
};

/// A part of a run, with what it cost.
struct Phase {
    std::string name;  ///< connect, idle, stock, run, storm
    double from_seconds = 0;
    double seconds = 0;
    double own_cpu_seconds = 0;
    std::vector<ServerUse> servers;
    double own_cpu() const { return seconds > 0 ? own_cpu_seconds / seconds : 0; }
};

/// How a storm went, in milliseconds since all connections were lost.
struct StormResult {
    std::size_t clients = 0;
    std::size_t back = 0;
    std::optional<double> back_ms;     ///< until the last one was connected
    std::optional<double> current_ms;  ///< until the last one had what it missed
    LatencyHistogram::Summary client_back;
};

enum class Outcome : std::uint8_t { passed, failed, interrupted, overloaded };

/// What a run has found.
struct Result {
    std::string run;  ///< 16 hexadecimal digits
    base::TimePoint started_at{};
    double seconds = 0;
    bool interrupted = false;
    std::string stopped_by;  ///< what ended the run early, other than the user

    ConnectionCounts connections;
    std::size_t clients = 0;
    std::size_t clients_connected = 0;  ///< at least once
    std::size_t given_up = 0;
    double connect_seconds = 0;
    LatencyHistogram connect_latency;

    DeliveryLedger::Counts deliveries;
    std::uint64_t created = 0;
    std::map<std::string, std::uint64_t> create_failures;
    double delivery_seconds = 0;  ///< from the first creation to the last delivery
    LatencyHistogram latency;
    LatencyHistogram create_latency;

    ReadLedger::Counts reads;
    double read_seconds = 0;
    LatencyHistogram ack_latency;
    LatencyHistogram broadcast_latency;

    std::map<std::string, std::uint64_t> errors;  ///< events named `error` or `exception`, by code
    std::optional<StormResult> storm;
    bool sync_used = false;

    std::vector<std::string> server_names;
    std::vector<Phase> phases;
    std::vector<Sample> samples;
    std::vector<std::uint64_t> memory_before_kb;  ///< by server, before the first connection
    std::uint64_t own_memory_kb = 0;

    const Phase* phase(std::string_view name) const;
    double connect_success() const;  ///< percent of the clients
    double delivery_rate() const;    ///< percent of what was owed
};

}  // namespace carillon::loadtest
