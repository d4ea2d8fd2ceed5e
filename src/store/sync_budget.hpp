#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "contracts/notification.hpp"

namespace carillon::store {

/// More changes than this since a client's version, and it gets a snapshot instead (architecture.md, "Data rules").
inline constexpr std::uint32_t kSyncChangesMax = 500;

/// Of one page of sync, as JSON; the first row always fits.
inline constexpr std::size_t kSyncPageBytesMax = 256 * 1024;

/// Says where a page of sync is cut. All adapters share it.
class SyncBudget {
 public:
    explicit SyncBudget(std::uint32_t rows_max) : rows_left_{rows_max} {}

    /// Whether one more row fits; if so, it is counted.
    bool take(const contracts::Notification& notification);

 private:
    std::uint32_t rows_left_;
    std::size_t bytes_ = 0;
    std::string scratch_;
};

}  // namespace carillon::store
