#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace carillon::store {

/// The counters of one user. One version has one count.
struct InboxState {
    std::uint64_t unread = 0;
    base::Version version = 0;
};

struct MarkedRead {
    base::NotificationId id;
    base::TimePoint read_at;
    InboxState state;       ///< of now; of then, when `replayed`
    bool changed = false;   ///< false when it had been read before: no event goes out
    bool replayed = false;  ///< the answer to the first call with this key: nothing was done
};

struct ReadAll {
    std::uint64_t updated = 0;
    InboxState state;       ///< of now; of then, when `replayed`
    bool replayed = false;  ///< the answer to the first call with this key: nothing was done
};

}  // namespace carillon::store
