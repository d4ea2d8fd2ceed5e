#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "loadtest/plan.hpp"
#include "loadtest/report.hpp"
#include "loadtest/result.hpp"
#include "loadtest/verdict.hpp"

namespace carillon::loadtest {

/// What is told while a run goes on.
struct Observer {
    std::function<void(const std::string& line)> on_progress;
};

/// Carries out a plan on the calling thread. `stop` ends it early, with what was measured until then. Throws
/// SetupError when it cannot be carried out.
Result run_plan(const Plan& plan, const std::atomic<bool>& stop, const Observer& observer);

/// Raises the limit of open files as far as it goes; throws SetupError when that is not enough for so many clients.
void raise_descriptor_limit(std::size_t clients);

}  // namespace carillon::loadtest
