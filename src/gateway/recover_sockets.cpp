// The part of EventFollower that brings clients up to date that come back with a `pid`.
#include <algorithm>

#include "gateway/event_follower.hpp"
#include "gateway/gap_fill.hpp"

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;

constexpr auto kRecoveryRetry = 300ms;
/// Events that were passed by a sync may still come for as long as this, and some more.
constexpr auto kBroughtUpKept = InboxOrder::kLateWindow + 5s;

}  // namespace

void EventFollower::begin_recovery(base::UserId user, Newcomer newcomer) {
    auto recovery = std::make_shared<Recovery>();
    recovery->user = user;
    recovery->newcomer = std::move(newcomer);
    // From now on what the others are sent is noted, so that nothing falls between the sync and them.
    recoveries_.emplace(user, recovery);
    queue_recovery(std::move(recovery));
}

void EventFollower::queue_recovery(RecoveryPtr recovery) {
    start_sync([this, recovery = std::move(recovery)] {
        loop::spawn(executor_, recover(shared_from_this(), recovery), "gateway: recover a socket");
    });
}

loop::Task<void> EventFollower::recover(std::shared_ptr<EventFollower> self, RecoveryPtr recovery) {
    auto reading = read_changes(self, recovery->user, *recovery->newcomer.since);
    const auto answer = co_await std::move(reading);
    if (!self->stopped_) self->on_recovery_read(recovery, answer);
    self->sync_ended();
}

void EventFollower::on_recovery_read(const RecoveryPtr& recovery, const ApiResult<SyncAnswer>& answer) {
    const auto [first, last] = recoveries_.equal_range(recovery->user);
    const bool wanted = std::any_of(first, last, [&](const auto& one) { return one.second == recovery; });
    if (!wanted) return;  // the user has gone meanwhile
    auto& held = users_.at(recovery->user);
    if (!answer && --recovery->attempts_left > 0) {
        deadlines_.add(clock_.steady_now() + kRecoveryRetry, [weak = weak_from_this(), recovery] {
            if (const auto self = weak.lock(); self && !self->stopped_) self->queue_recovery(recovery);
        });
        return;
    }
    end_recovery(recovery);
    const InboxCount told = held.order.told();
    if (!answer) return arrive_anew(recovery->newcomer, {told, held.order.offset()});
    if (answer->reset || answer->has_more || recovery->too_many) {
        const InboxCount newest = told.version > answer->count.version ? told : answer->count;
        return arrive_anew(recovery->newcomer, {newest, held.order.offset()});
    }
    arrive_recovered(*recovery, *answer);
    held.order.compare(answer->count, held.order.told().version, clock_.steady_now());
    set_deadline(recovery->user, held);
}

void EventFollower::end_recovery(const RecoveryPtr& recovery) {
    const auto [first, last] = recoveries_.equal_range(recovery->user);
    const auto found = std::find_if(first, last, [&](const auto& one) { return one.second == recovery; });
    if (found != last) recoveries_.erase(found);
}

void EventFollower::arrive_recovered(const Recovery& recovery, const SyncAnswer& answer) {
    std::vector<InboxEvent> missed = missed_events(*recovery.newcomer.since, answer);
    InboxCount reached = answer.count;
    for (const auto& event : recovery.meanwhile) {
        if (!event.from_elsewhere && event.version <= answer.count.version) continue;
        missed.push_back(event);
        if (!event.late && event.version > reached.version) reached = {event.unread, event.version};
    }
    const bool counted = !missed.empty() && !missed.back().late && missed.back().version == reached.version;
    if (counted) missed.back().late = true;  // `count` says it
    Arrival arrival;
    for (const auto& event : missed) {
        if (encoder_.full()) arrival.missed.push_back(encoder_.take(recovery.user));
        encoder_.add(event);
    }
    if (!encoder_.empty()) arrival.missed.push_back(encoder_.take(recovery.user));
    arrival.recovered = true;
    arrival.offset = *recovery.newcomer.since;
    arrival.count = encode_count(reached, reached.version);
    remember_brought_up(recovery.user, recovery.newcomer, reached.version);
    arrive(recovery.newcomer, std::move(arrival));
}

void EventFollower::remember_brought_up(base::UserId user, const Newcomer& newcomer, base::Version version) {
    forget_brought_up(user, newcomer.socket_id);
    brought_up_.emplace(user, BroughtUp{newcomer.socket_id, version});
    deadlines_.add(clock_.steady_now() + kBroughtUpKept, [weak = weak_from_this(), user, newcomer, version] {
        const auto self = weak.lock();
        if (!self || self->stopped_) return;
        const auto held = self->users_.find(user);
        if (held == self->users_.end()) return;
        const auto [first, last] = self->brought_up_.equal_range(user);
        const auto found = std::find_if(first, last, [&](const auto& one) {
            return one.second.socket_id == newcomer.socket_id && one.second.version == version;
        });
        if (found == last) return;  // another recovery took its place
        if (!held->second.order.at_rest()) return self->remember_brought_up(user, newcomer, version);
        self->brought_up_.erase(found);
    });
}

void EventFollower::forget_brought_up(base::UserId user, const std::string& socket_id) {
    const auto [first, last] = brought_up_.equal_range(user);
    const auto found = std::find_if(first, last, [&](const auto& one) { return one.second.socket_id == socket_id; });
    if (found != last) brought_up_.erase(found);
}

std::vector<std::string> EventFollower::sockets_that_have(base::UserId user, const InboxEvent& event) const {
    std::vector<std::string> sockets;
    if (event.from_elsewhere) return sockets;
    const auto [first, last] = brought_up_.equal_range(user);
    for (auto one = first; one != last; ++one) {
        if (event.version <= one->second.version) sockets.push_back(one->second.socket_id);
    }
    return sockets;
}

}  // namespace carillon::gateway
