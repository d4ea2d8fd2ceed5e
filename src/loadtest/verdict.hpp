#pragma once

#include <string>
#include <vector>

#include "loadtest/plan.hpp"
#include "loadtest/result.hpp"

namespace carillon::loadtest {

/// A run in which the generator used more of its core than this is void: it may have measured itself.
inline constexpr double kOwnCpuMax = 0.7;

/// One threshold and what became of it.
struct Check {
    std::string name;
    std::string wanted;
    std::string measured;
    bool met = true;
};

struct Verdict {
    Outcome outcome = Outcome::passed;
    std::vector<Check> checks;
    std::string reason;  ///< one line
    /// 0 passed · 1 a threshold was missed · 3 void · 130 stopped by the user
    int exit_code() const;
};

/// Holds the result against the plan's thresholds; those that have nothing to say about the scenario are left out.
Verdict judge(const Plan& plan, const Result& result);

std::string_view to_string(Outcome outcome);

/// The highest share of the core that the generator used in a phase that counts.
double own_cpu_of_run(const Result& result);

}  // namespace carillon::loadtest
