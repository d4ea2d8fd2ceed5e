#include "store/postgres/outbox_ledger.hpp"

#include <cassert>
#include <iterator>

namespace carillon::store::postgres {

void OutboxLedger::listen(Listener listener) {
    const std::lock_guard lock{listener_mutex_};
    listener_ = std::move(listener);
}

OutboxLedger::Range OutboxLedger::reserve(std::uint64_t size) {
    assert(size > 0);
    const Range range{next_, size};
    next_ += size;
    open_[range.first].size = size;
    return range;
}

void OutboxLedger::committed(Range range, std::vector<OutboxEvent> events) {
    settle(range, std::move(events));
}

void OutboxLedger::dropped(Range range) {
    settle(range, {});
}

std::uint64_t OutboxLedger::settled() const {
    return (open_.empty() ? next_ : open_.begin()->first) - 1;
}

void OutboxLedger::settle(Range range, std::vector<OutboxEvent> events) {
    const auto entry = open_.find(range.first);
    assert(entry != open_.end() && !entry->second.settled);
    entry->second.settled = true;
    entry->second.events = std::move(events);
    std::vector<OutboxEvent> due;
    while (!open_.empty() && open_.begin()->second.settled) {
        auto& ready = open_.begin()->second.events;
        due.insert(due.end(), std::make_move_iterator(ready.begin()), std::make_move_iterator(ready.end()));
        open_.erase(open_.begin());
    }
    if (due.empty()) return;
    const std::lock_guard lock{listener_mutex_};
    if (listener_) listener_(std::move(due));
}

}  // namespace carillon::store::postgres
