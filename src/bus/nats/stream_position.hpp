#pragma once

#include <cstdint>
#include <optional>

#include "bus/nats/streams.hpp"

namespace carillon::bus {

/// How far a follower has come in a stream.
struct StreamPosition {
    std::int64_t created = 0;     ///< of the stream, which another one of the same name does not share
    std::uint64_t last_seen = 0;  ///< every message up to this sequence was seen, or was there before the follower
};

/// Where a follower goes on, and whether it may have missed something.
struct ResumePoint {
    std::uint64_t first_sequence = 1;
    bool gap = false;
};

/// `before` is empty for a follower that is new: it begins behind what is there. One that comes back begins behind what
/// it saw last; if that is no longer possible, as close to it as can be, and knows of the gap.
ResumePoint resume_from(const std::optional<StreamPosition>& before, const StreamState& now);

}  // namespace carillon::bus
