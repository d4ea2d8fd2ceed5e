#include "gateway/event_follower.hpp"

#include <algorithm>
#include <cassert>
#include <unordered_set>
#include <utility>

#include "base/log.hpp"

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;

constexpr auto kCompareTick = 1s;
constexpr auto kCountRetry = 1s;

}  // namespace

EventFollower::EventFollower(loop::Executor executor, std::vector<ShardLink> shards, NotificationApi& api,
                             bus::Bus& bus, const base::Clock& clock, metrics::Registry& metrics,
                             DeadlineQueue& deadlines)
    : executor_{std::move(executor)},
      shards_{std::move(shards)},
      api_{api},
      bus_{bus},
      clock_{clock},
      metrics_{metrics},
      users_active_{metrics.gauge("users_active", "Users with at least one authenticated socket")},
      recovered_{metrics.counter("recoveries_total", "Clients that came back to go on where they were",
                                 {{"result", "recovered"}})},
      not_recovered_{
          metrics.counter("recoveries_total", "Clients that came back to go on where they were", {{"result", "anew"}})},
      deadlines_{deadlines},
      counts_{std::make_shared<CountReader>(executor_, api)},
      outboxes_(shards_.size()) {
    assert(!shards_.empty() && shards_.size() <= 64);
}

EventFollower::~EventFollower() = default;

void EventFollower::start() {
    bus::Follower follower;
    follower.subjects = {bus::subject::kNotificationCreated, bus::subject::kNotificationUpdated};
    follower.executor = executor_;
    follower.on_message = [weak = weak_from_this()](const bus::Delivery& delivery) {
        if (const auto self = weak.lock(); self && !self->stopped_) self->on_message(delivery);
    };
    follower.on_gap = [weak = weak_from_this()] {
        if (const auto self = weak.lock(); self && !self->stopped_) self->on_gap();
    };
    subscription_ = bus_.follow(std::move(follower));
    loop::post(executor_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->compare_some();
    });
}

void EventFollower::stop() {
    stopped_ = true;
    subscription_.reset();
    counts_->stop();
    syncs_waiting_.clear();
    for (auto& outbox : outboxes_) outbox.clear();
    users_.clear();
    newcomers_.clear();
    recoveries_.clear();
    brought_up_.clear();
    users_active_.set(0);
}

// --- Sockets coming and going

void EventFollower::attach(base::UserId user, Newcomer newcomer) {
    loop::post(executor_, [weak = weak_from_this(), user, newcomer = std::move(newcomer)] {
        if (const auto self = weak.lock(); self && !self->stopped_) self->add_socket(user, newcomer);
    });
}

void EventFollower::detach(base::UserId user, std::size_t shard) {
    loop::post(executor_, [weak = weak_from_this(), user, shard] {
        if (const auto self = weak.lock(); self && !self->stopped_) self->remove_user(user, shard);
    });
}

void EventFollower::add_socket(base::UserId user, Newcomer newcomer) {
    auto& held = users_[user];
    if (held.shards == 0) held.generation = ++generation_;
    held.shards |= 1ULL << newcomer.shard;
    users_active_.set(static_cast<double>(users_.size()));
    newcomers_[user].push_back(std::move(newcomer));
    ask_first_count(user);
}

void EventFollower::remove_user(base::UserId user, std::size_t shard) {
    const auto found = users_.find(user);
    if (found == users_.end()) return;
    found->second.shards &= ~(1ULL << shard);
    if (found->second.shards != 0) return;
    users_.erase(found);
    newcomers_.erase(user);
    recoveries_.erase(user);
    brought_up_.erase(user);
    users_active_.set(static_cast<double>(users_.size()));
}

void EventFollower::ask_first_count(base::UserId user) {
    counts_->ask(user, [weak = weak_from_this(), user](const ApiResult<InboxCount>& count) {
        if (const auto self = weak.lock()) self->on_first_count(user, count);
    });
}

void EventFollower::on_first_count(base::UserId user, const ApiResult<InboxCount>& count) {
    const auto found = users_.find(user);
    const auto newcomers = newcomers_.find(user);
    if (found == users_.end() || newcomers == newcomers_.end()) return;
    auto& held = found->second;
    if (!count) {
        if (first_counts_failed_.empty()) {
            deadlines_.add(clock_.steady_now() + kCountRetry, [weak = weak_from_this()] {
                if (const auto self = weak.lock()) self->retry_first_counts();
            });
        }
        first_counts_failed_.push_back(user);
        return;
    }
    std::vector<InboxEvent> before;
    std::vector<InboxEvent> after;
    Known known{*count, count->version};
    if (!held.order.started()) {
        held.order.start(*count, clock_.steady_now(), before, after);
    } else {
        held.order.compare(*count, held.order.told().version, clock_.steady_now());
        if (held.order.told().version > count->version) known.count = held.order.told();
        known.offset = held.order.offset();
    }
    send(user, held, before);
    const auto arrived = std::move(newcomers->second);
    newcomers_.erase(newcomers);
    for (const auto& newcomer : arrived) receive(user, newcomer, known);
    send(user, held, after);
    set_deadline(user, held);
}

void EventFollower::receive(base::UserId user, const Newcomer& newcomer, Known known) {
    const base::Version now = known.count.version;
    // A client that knows more than there is knows another inbox.
    if (!newcomer.since || *newcomer.since > now) return arrive_anew(newcomer, known);
    if (*newcomer.since < now) return begin_recovery(user, newcomer);
    Arrival arrival;
    arrival.recovered = true;
    arrival.offset = now;
    arrival.count = encode_count(known.count, now);
    remember_brought_up(user, newcomer, now);
    arrive(newcomer, std::move(arrival));
}

void EventFollower::arrive_anew(const Newcomer& newcomer, Known known) {
    Arrival arrival;
    arrival.offset = known.offset;
    arrival.count = encode_count(known.count, known.offset);
    arrive(newcomer, std::move(arrival));
}

void EventFollower::arrive(const Newcomer& newcomer, Arrival arrival) {
    if (newcomer.since) (arrival.recovered ? recovered_ : not_recovered_).increment();
    const auto& shard = shards_[newcomer.shard];
    if (shard.executor == executor_) return shard.target->arrive(newcomer.number, arrival);
    flush_outbox(newcomer.shard);  // what was sent before is told before
    loop::post(shard.executor, [target = shard.target, number = newcomer.number, arrival = std::move(arrival)] {
        target->arrive(number, arrival);
    });
}

void EventFollower::retry_first_counts() {
    for (const auto& user : std::exchange(first_counts_failed_, {})) {
        if (newcomers_.contains(user)) ask_first_count(user);
    }
}

// --- Order

void EventFollower::send(base::UserId user, const HeldUser& held, const std::vector<InboxEvent>& events) {
    if (events.empty()) return;
    const auto [first, last] = recoveries_.equal_range(user);
    for (auto recovery = first; recovery != last; ++recovery) {
        auto& meanwhile = recovery->second->meanwhile;
        recovery->second->too_many |= meanwhile.size() + events.size() > kRecoveryEventsMax;
        if (!recovery->second->too_many) meanwhile.insert(meanwhile.end(), events.begin(), events.end());
    }
    std::vector<std::string> except;
    const auto hand_over_encoded = [&] {
        if (encoder_.empty()) return;
        Delivery delivery = encoder_.take(user);
        delivery.except = except;
        hand_over(held, delivery);
    };
    for (const auto& event : events) {
        auto having = brought_up_.empty() ? std::vector<std::string>{} : sockets_that_have(user, event);
        if (encoder_.full() || having != except) hand_over_encoded();
        except = std::move(having);
        encoder_.add(event);
    }
    hand_over_encoded();
}

void EventFollower::hand_over(const HeldUser& held, const Delivery& delivery) {
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        if ((held.shards >> i & 1U) == 0) continue;
        if (shards_[i].executor == executor_) {
            shards_[i].target->deliver(delivery);
            continue;
        }
        outboxes_[i].push_back(delivery);
        if (std::exchange(flush_planned_, true)) continue;
        loop::post(executor_, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->flush_outboxes();
        });
    }
}

void EventFollower::flush_outboxes() {
    flush_planned_ = false;
    for (std::size_t i = 0; i < outboxes_.size(); ++i) flush_outbox(i);
}

void EventFollower::flush_outbox(std::size_t shard) {
    if (outboxes_[shard].empty()) return;
    const std::size_t usual = outboxes_[shard].size();
    loop::post(shards_[shard].executor,
               [target = shards_[shard].target, deliveries = std::exchange(outboxes_[shard], {})] {
                   for (const auto& delivery : deliveries) target->deliver(delivery);
               });
    outboxes_[shard].reserve(usual);
}

void EventFollower::set_deadline(base::UserId user, HeldUser& held) {
    const auto deadline = held.order.deadline();
    if (!deadline || held.wakes_at <= *deadline) return;
    held.wakes_at = *deadline;
    deadlines_.add(*deadline, [weak = weak_from_this(), user, generation = held.generation, when = *deadline] {
        const auto self = weak.lock();
        if (!self || self->stopped_) return;
        const auto found = self->users_.find(user);
        if (found == self->users_.end() || found->second.generation != generation) return;
        if (found->second.wakes_at != when) return;  // an earlier one took its place
        found->second.wakes_at = base::SteadyTime::max();
        self->on_deadline(user);
    });
}

void EventFollower::on_deadline(base::UserId user) {
    auto& held = users_.at(user);
    const auto now = clock_.steady_now();
    switch (held.order.due(now)) {
        case InboxOrder::Due::nothing:
            break;
        case InboxOrder::Due::start_without_count: {
            std::vector<InboxEvent> events;
            held.order.start_without_count(now, events);
            send(user, held, events);
            break;
        }
        case InboxOrder::Due::sync:
            queue_sync(user, held);
            break;
    }
    set_deadline(user, held);
}

void EventFollower::queue_sync(base::UserId user, HeldUser& held) {
    const auto since = held.order.begin_sync();
    start_sync([this, user, since, generation = held.generation] {
        loop::spawn(executor_, sync(shared_from_this(), user, generation, since), "gateway: fill a gap");
    });
}

void EventFollower::start_sync(std::function<void()> start) {
    if (syncs_ >= kSyncsMax) return syncs_waiting_.push_back(std::move(start));
    ++syncs_;
    start();
}

void EventFollower::sync_ended() {
    --syncs_;
    while (!stopped_ && syncs_ < kSyncsMax && !syncs_waiting_.empty()) {
        const auto next = std::move(syncs_waiting_.front());
        syncs_waiting_.pop_front();
        ++syncs_;
        next();
    }
}

namespace {

/// A row that changed while the pages were read is in two of them: the later one counts.
void keep_last_states(SyncAnswer& answer) {
    std::unordered_set<base::NotificationId> seen;
    SyncAnswer kept;
    const bool dated = answer.created_versions.size() == answer.notifications.size();
    for (std::size_t i = answer.notifications.size(); i-- > 0;) {
        if (!seen.insert(answer.notifications[i].id).second) continue;
        kept.notifications.push_back(std::move(answer.notifications[i]));
        if (dated) kept.created_versions.push_back(answer.created_versions[i]);
    }
    std::reverse(kept.notifications.begin(), kept.notifications.end());
    std::reverse(kept.created_versions.begin(), kept.created_versions.end());
    answer.notifications = std::move(kept.notifications);
    answer.created_versions = std::move(kept.created_versions);
}

void append_page(SyncAnswer& whole, SyncAnswer page) {
    whole.count = page.count;
    if (page.read_all_before) whole.read_all_before = page.read_all_before;
    whole.has_more = page.has_more;
    for (auto& row : page.notifications) whole.notifications.push_back(std::move(row));
    for (const auto version : page.created_versions) whole.created_versions.push_back(version);
    keep_last_states(whole);
}

}  // namespace

loop::Task<ApiResult<SyncAnswer>> EventFollower::read_changes(std::shared_ptr<EventFollower> self, base::UserId user,
                                                              base::Version since) {
    const Caller caller{user, {}};
    ApiResult<SyncAnswer> whole = contracts::problem_internal();
    try {
        for (int page_number = 0; page_number < kSyncPagesMax; ++page_number) {
            auto page = co_await self->api_.sync(caller, since, contracts::kSyncLimitMax);
            if (!page || page->reset || page_number == 0) {
                whole = std::move(page);
            } else {
                append_page(*whole, std::move(*page));
            }
            if (!whole || whole->reset || !whole->has_more || whole->notifications.empty()) break;
            since = whole->notifications.back().version;
        }
    } catch (const std::exception& error) {
        base::log_error("sync failed", {{"error", error.what()}});
        whole = contracts::problem_internal();
    }
    co_return whole;
}

loop::Task<void> EventFollower::sync(std::shared_ptr<EventFollower> self, base::UserId user, std::uint32_t generation,
                                     base::Version since) {
    auto reading = read_changes(self, user, since);
    const auto answer = co_await std::move(reading);
    if (!self->stopped_) self->on_synced(user, generation, answer);
    self->sync_ended();
}

void EventFollower::on_synced(base::UserId user, std::uint32_t generation, const ApiResult<SyncAnswer>& answer) {
    const auto found = users_.find(user);
    if (found == users_.end() || found->second.generation != generation) return;
    auto& held = found->second;
    std::vector<InboxEvent> events;
    if (answer) {
        held.order.synced(*answer, clock_.steady_now(), events);
    } else {
        held.order.not_synced(clock_.steady_now(), events);
    }
    send(user, held, events);
    set_deadline(user, held);
}

// --- Healing

void EventFollower::on_gap() {
    base::log_warn("events may have been missed: comparing all connected users");
    for (const auto& [user, held] : users_) compare(user, held);
}

void EventFollower::compare_some() {
    if (stopped_) return;
    if (!users_.empty()) {
        const auto ticks = static_cast<std::size_t>(kComparePass / kCompareTick);
        const std::size_t buckets = users_.bucket_count();
        for (std::size_t i = 0; i < buckets / ticks + 1; ++i) {
            if (compare_bucket_ >= buckets) compare_bucket_ = 0;
            for (auto entry = users_.begin(compare_bucket_); entry != users_.end(compare_bucket_); ++entry) {
                compare(entry->first, entry->second);
            }
            ++compare_bucket_;
        }
    }
    deadlines_.add(clock_.steady_now() + kCompareTick, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->compare_some();
    });
}

void EventFollower::compare(base::UserId user, const HeldUser& held) {
    counts_->ask(user, [weak = weak_from_this(), user, generation = held.generation,
                        told = held.order.told().version](const ApiResult<InboxCount>& count) {
        const auto self = weak.lock();
        if (!self || !count) return;
        const auto found = self->users_.find(user);
        if (found == self->users_.end() || found->second.generation != generation) return;
        found->second.order.compare(*count, told, self->clock_.steady_now());
        self->set_deadline(user, found->second);
    });
}

}  // namespace carillon::gateway
