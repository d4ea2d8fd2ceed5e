#pragma once

#include <cstdint>
#include <string>

namespace carillon::loadtest {

/// What a run was made on, for its report.
struct Machine {
    std::string cpu;
    unsigned cores = 0;
    std::uint64_t memory_mb = 0;
    std::string kernel;
};

Machine this_machine();

}  // namespace carillon::loadtest
