#pragma once

#include <chrono>

#include "metrics/registry.hpp"

namespace carillon::store {

/// Observes how long a call took, waiting included, when it goes out of scope.
class CallTimer {
 public:
    explicit CallTimer(metrics::Histogram& duration) : duration_{duration} {}
    ~CallTimer() {
        duration_.observe(std::chrono::duration<double>{std::chrono::steady_clock::now() - start_}.count());
    }
    CallTimer(const CallTimer&) = delete;
    CallTimer& operator=(const CallTimer&) = delete;

 private:
    metrics::Histogram& duration_;
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace carillon::store
