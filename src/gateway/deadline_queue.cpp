#include "gateway/deadline_queue.hpp"

namespace carillon::gateway {

DeadlineQueue::Handle DeadlineQueue::add(base::SteadyTime when, std::function<void()> callback) {
    const Handle handle{when, ++added_};
    const auto place = entries_.emplace(handle, std::move(callback)).first;
    if (place == entries_.begin() && on_earlier) on_earlier();
    return handle;
}

std::optional<base::SteadyTime> DeadlineQueue::next() const {
    if (entries_.empty()) return std::nullopt;
    return entries_.begin()->first.first;
}

void DeadlineQueue::run_due(base::SteadyTime now) {
    // What callbacks add for right now waits for the next call, so that this one ends.
    const std::uint64_t added_before = added_;
    auto entry = entries_.begin();
    while (entry != entries_.end() && entry->first.first <= now) {
        const Handle handle = entry->first;
        if (handle.second > added_before) {
            ++entry;
            continue;
        }
        const auto callback = std::move(entry->second);
        entries_.erase(entry);
        callback();
        entry = entries_.begin();
    }
}

}  // namespace carillon::gateway
