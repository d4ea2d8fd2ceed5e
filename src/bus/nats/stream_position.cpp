#include "bus/nats/stream_position.hpp"

namespace carillon::bus {

ResumePoint resume_from(const std::optional<StreamPosition>& before, const StreamState& now) {
    if (!before) return {now.last_sequence + 1, false};
    if (now.created != before->created) {
        // Another stream: everything in it is news, and what the old one still held is gone.
        return {1, true};
    }
    if (now.last_sequence < before->last_seen) {
        // Brought back from a backup, or a disk that lost its last writes.
        return {now.last_sequence + 1, true};
    }
    return {before->last_seen + 1, now.first_sequence > before->last_seen + 1};
}

}  // namespace carillon::bus
