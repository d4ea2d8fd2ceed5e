#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "loadtest/http_caller.hpp"
#include "loadtest/plan.hpp"
#include "loadtest/result.hpp"

namespace carillon::loadtest {

/// CPU seconds and resident memory of a process, as of now; CPU with that of its children (PostgreSQL's back ends).
/// Not seen: there is no such process.
ServerUse read_process(int pid);

/// The same out of a Prometheus text: `process_cpu_seconds_total` and `process_resident_memory_bytes`.
ServerUse read_metrics(std::string_view text);

/// CPU seconds of this process.
double own_cpu_seconds();
std::uint64_t own_memory_kb();

/// Watches the servers of a plan: by process id, or by asking for their metrics.
class ServerWatch {
 public:
    /// Throws SetupError for a process that is not there.
    ServerWatch(const Plan& plan, Reactor& reactor);

    const std::vector<std::string>& names() const { return names_; }
    /// Totals since each server's start. Of `/metrics` what the last answer said.
    std::vector<ServerUse> read() const;
    /// Asks for metrics when it is time. Once a turn.
    void tick(base::SteadyTime now);

 private:
    std::vector<std::string> names_;
    std::vector<int> pids_;
    std::unique_ptr<HttpCaller> scraper_;
    std::string target_;
    base::SteadyTime next_scrape_{};
    ServerUse scraped_;
};

}  // namespace carillon::loadtest
