#pragma once

#include <cstdint>

namespace carillon::bench {

/// What the calling thread has done so far: this program counts in an operator new and a pthread_mutex_lock of its own.
struct CountedCalls {
    std::uint64_t allocations = 0;
    std::uint64_t locks = 0;
};

CountedCalls counted_calls();

}  // namespace carillon::bench
