#pragma once

#include <atomic>
#include <string>

#include "base/log.hpp"

namespace carillon::store {

/// Logs when the database stops working and when it works again, not each call in between. Thread: any.
class FailureLog {
 public:
    /// `side` is "writes" or "reads".
    explicit FailureLog(std::string side) : side_{std::move(side)} {}

    void failed(const std::string& reason) {
        if (!failing_.exchange(true)) {
            base::log_error("the database is not available", {{"side", side_}, {"reason", reason}});
        }
    }
    void worked() {
        if (failing_.load(std::memory_order_relaxed) && failing_.exchange(false)) {
            base::log_info("the database is available again", {{"side", side_}});
        }
    }

 private:
    const std::string side_;
    std::atomic<bool> failing_{false};
};

}  // namespace carillon::store
