#include "bus/local/seen_messages.hpp"

namespace carillon::bus {

SeenMessages::Entry SeenMessages::find_or_add(const std::string& key, base::SteadyTime now) {
    forget_old(now);
    auto [position, added] = messages_.try_emplace(key);
    if (added) position->second = std::make_shared<SeenMessage>();
    return {position->second, !added};
}

void SeenMessages::finished(const std::string& key, base::SteadyTime now) {
    const auto position = messages_.find(key);
    if (position == messages_.end()) return;
    position->second->finish_number = ++last_finish_number_;
    finishes_.push_back({now, key, last_finish_number_});
    forget_old(now);
}

void SeenMessages::forget_old(base::SteadyTime now) {
    while (!finishes_.empty() && (finishes_.size() > ids_max_ || finishes_.front().at + window_ <= now)) {
        const Finish& oldest = finishes_.front();
        const auto position = messages_.find(oldest.key);
        // A message that was published again since has a newer finish, or none yet.
        if (position != messages_.end() && position->second->finish_number == oldest.number &&
            position->second->state != SeenMessage::State::in_flight) {
            messages_.erase(position);
        }
        finishes_.pop_front();
    }
}

}  // namespace carillon::bus
