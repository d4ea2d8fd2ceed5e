#include "gateway/inbox_order.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "gateway/gap_fill.hpp"

namespace carillon::gateway {

InboxOrder::Detail& InboxOrder::detail() {
    if (!detail_) detail_ = std::make_unique<Detail>();
    return *detail_;
}

base::Version InboxOrder::offset() const {
    return detail_ && detail_->resync_since ? std::min(version_, *detail_->resync_since) : version_;
}

void InboxOrder::send(InboxEvent event, Out& out) {
    version_ = event.version;
    unread_ = event.unread;
    event.offset = offset();
    out.push_back(std::move(event));
}

void InboxOrder::send_following(Out& out) {
    if (!detail_) return;
    auto& held = detail_->held;
    held.erase(held.begin(), held.upper_bound(version_));
    while (!held.empty() && held.begin()->first == version_ + 1) {
        send(std::move(held.begin()->second.event), out);
        held.erase(held.begin());
    }
    if (held.empty()) detail_->overflowed = false;
}

void InboxOrder::remember_late(base::Version first, base::Version last, base::SteadyTime now) {
    if (first > last) return;
    detail().late.add(first, last);
    detail().late_until = now + kLateWindow;
}

void InboxOrder::send_over_gaps(base::Version version, base::SteadyTime now, Out& out) {
    if (!detail_) return;
    auto& held = detail_->held;
    while (!held.empty() && held.begin()->first <= version) {
        remember_late(version_ + 1, held.begin()->first - 1, now);
        send(std::move(held.begin()->second.event), out);
        held.erase(held.begin());
    }
}

InboxOrder::Offer InboxOrder::offer(InboxEvent event, base::SteadyTime now, Out& out) {
    assert(event.version > 0);
    if (started_ && event.version <= version_) {
        if (!detail_ || now >= detail_->late_until || !detail_->late.take(event.version)) return Offer::stale;
        event.late = true;
        event.offset = offset();
        out.push_back(std::move(event));
        return Offer::sent;
    }
    if (started_ && event.version == version_ + 1) {
        send(std::move(event), out);
        send_following(out);
        trim(now);
        return Offer::sent;
    }
    auto& waiting = detail();
    if (waiting.held.contains(event.version)) return Offer::stale;
    if (waiting.held.size() >= kHeldMax) {
        waiting.overflowed = true;
        return Offer::overflow;
    }
    const auto version = event.version;
    waiting.held.emplace(version, Held{std::move(event), now});
    return Offer::held;
}

bool InboxOrder::take_next(base::Version version, std::uint64_t unread) {
    if (!started_ || version != version_ + 1 || (detail_ && !detail_->held.empty())) return false;
    version_ = version;
    unread_ = unread;
    if (detail_) detail_->overflowed = false;
    return true;
}

void InboxOrder::start(InboxCount count, base::SteadyTime now, Out& before, Out& after) {
    assert(!started_);
    started_ = true;
    remember_late(1, count.version, now);
    if (detail_) {
        auto& held = detail_->held;
        while (!held.empty() && held.begin()->first <= count.version) {
            detail_->late.take(held.begin()->first);
            before.push_back(std::move(held.begin()->second.event));
            before.back().offset = before.back().version;
            held.erase(held.begin());
        }
    }
    version_ = count.version;
    unread_ = count.unread;
    send_following(after);
}

void InboxOrder::start_without_count(base::SteadyTime now, Out& out) {
    if (started_ || !detail_ || detail_->held.empty()) return;
    started_ = true;
    version_ = detail_->held.begin()->first - 1;
    remember_late(1, version_, now);
    send_following(out);
}

void InboxOrder::compare(InboxCount count, base::Version told_then, base::SteadyTime now) {
    trim(now);
    if (!started_) return;
    if (count.version > version_) {
        auto& waiting = detail();
        if (waiting.expected > version_) return;  // already waited for
        waiting.expected = count.version;
        waiting.expected_by = now + kHealWait;
        return;
    }
    const bool set_back = count.version < told_then && version_ == told_then && !detail_;
    if (set_back) {
        version_ = count.version;
        unread_ = count.unread;
    }
}

std::optional<base::SteadyTime> InboxOrder::deadline() const {
    if (!detail_ || detail_->syncing) return std::nullopt;
    std::optional<base::SteadyTime> earliest;
    const auto at = [&earliest](base::SteadyTime time) { earliest = earliest ? std::min(*earliest, time) : time; };
    if (!detail_->held.empty()) {
        const auto arrived = detail_->held.begin()->second.arrived;
        at(detail_->overflowed ? arrived : arrived + (started_ ? kGapWait : kStartWait));
    }
    if (started_ && detail_->expected > version_) at(detail_->expected_by);
    if (started_ && detail_->resync_since) at(detail_->resync_at);
    return earliest;
}

InboxOrder::Due InboxOrder::due(base::SteadyTime now) const {
    const auto when = deadline();
    if (!when || *when > now) return Due::nothing;
    return started_ ? Due::sync : Due::start_without_count;
}

base::Version InboxOrder::begin_sync() {
    auto& waiting = detail();
    waiting.syncing = true;
    waiting.told_at_sync = version_;
    waiting.held_at_sync = waiting.held.empty() ? 0 : waiting.held.rbegin()->first;
    return std::min(version_, waiting.resync_since.value_or(version_));
}

void InboxOrder::synced(const SyncAnswer& answer, base::SteadyTime now, Out& out) {
    auto& waiting = detail();
    waiting.syncing = false;
    waiting.overflowed = false;
    waiting.resync_since.reset();
    waiting.expected = 0;
    if (answer.count.version < waiting.told_at_sync) {
        // The service knows less than our sockets were told: it was set back, or these versions are not its own.
        if (version_ == waiting.told_at_sync && waiting.held.empty()) version_ = answer.count.version;
    } else {
        fill(answer, now, out);
    }
    send_over_gaps(waiting.held_at_sync, now, out);
    send_following(out);
    trim(now);
}

void InboxOrder::fill(const SyncAnswer& answer, base::SteadyTime now, Out& out) {
    auto& waiting = detail();
    std::vector<InboxEvent> held;
    while (!waiting.held.empty() && waiting.held.begin()->first <= answer.count.version) {
        held.push_back(std::move(waiting.held.begin()->second.event));
        waiting.held.erase(waiting.held.begin());
    }
    // Events that came in order meanwhile may have passed the answer; then only its late rows are news.
    SyncAnswer news = answer;
    if (news.count.version < version_) news.count = told();
    GapFill filled = fill_gap(told(), news, std::move(held), waiting.late);
    waiting.late.merge(filled.unexplained);
    if (!filled.unexplained.empty()) waiting.late_until = now + kLateWindow;
    for (auto& event : filled.events) {
        waiting.late.take(event.version);
        event.late = event.version <= version_;
        event.offset = std::max(event.version, version_);
        out.push_back(std::move(event));
    }
    version_ = news.count.version;
    unread_ = news.count.unread;
}

void InboxOrder::not_synced(base::SteadyTime now, Out& out) {
    auto& waiting = detail();
    waiting.syncing = false;
    waiting.resync_since = std::min(waiting.told_at_sync, waiting.resync_since.value_or(waiting.told_at_sync));
    waiting.resync_at = now + kRetryPause;
    waiting.expected = 0;
    send_over_gaps(waiting.held_at_sync, now, out);
    send_following(out);
    if (!waiting.late.empty()) waiting.late_until = now + kLateWindow;
}

void InboxOrder::trim(base::SteadyTime now) {
    if (!detail_) return;
    const bool waiting = !detail_->held.empty() || detail_->syncing || detail_->resync_since || detail_->overflowed ||
                         detail_->expected > version_;
    if (!waiting && (detail_->late.empty() || now >= detail_->late_until)) detail_.reset();
}

}  // namespace carillon::gateway
