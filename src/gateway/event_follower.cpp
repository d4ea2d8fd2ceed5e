#include "gateway/event_follower.hpp"

#include <cassert>
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
    users_active_.set(0);
}

// --- Sockets coming and going

void EventFollower::attach(base::UserId user, std::size_t shard, std::string socket_id) {
    loop::post(executor_, [weak = weak_from_this(), user, shard, socket_id = std::move(socket_id)] {
        if (const auto self = weak.lock(); self && !self->stopped_) self->add_socket(user, shard, socket_id);
    });
}

void EventFollower::detach(base::UserId user, std::size_t shard) {
    loop::post(executor_, [weak = weak_from_this(), user, shard] {
        if (const auto self = weak.lock(); self && !self->stopped_) self->remove_user(user, shard);
    });
}

void EventFollower::add_socket(base::UserId user, std::size_t shard, std::string socket_id) {
    auto& held = users_[user];
    if (held.shards == 0) held.generation = ++generation_;
    held.shards |= 1ULL << shard;
    users_active_.set(static_cast<double>(users_.size()));
    newcomers_[user].push_back({shard, std::move(socket_id)});
    ask_first_count(user);
}

void EventFollower::remove_user(base::UserId user, std::size_t shard) {
    const auto found = users_.find(user);
    if (found == users_.end()) return;
    found->second.shards &= ~(1ULL << shard);
    if (found->second.shards != 0) return;
    users_.erase(found);
    newcomers_.erase(user);
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
    if (!held.order.started()) {
        held.order.start(*count, clock_.steady_now(), before, after);
    } else {
        held.order.compare(*count, held.order.told().version, clock_.steady_now());
    }
    send(user, held, before);
    const auto event = encode_count(*count);
    for (auto& newcomer : newcomers->second) {
        const auto& shard = shards_[newcomer.shard];
        if (shard.executor == executor_) {
            shard.target->deliver_to(newcomer.socket_id, event);
        } else {
            flush_outbox(newcomer.shard);  // what was sent before is told before
            loop::post(shard.executor, [target = shard.target, event, socket_id = std::move(newcomer.socket_id)] {
                target->deliver_to(socket_id, event);
            });
        }
    }
    newcomers_.erase(newcomers);
    send(user, held, after);
    set_deadline(user, held);
}

void EventFollower::retry_first_counts() {
    for (const auto& user : std::exchange(first_counts_failed_, {})) {
        if (newcomers_.contains(user)) ask_first_count(user);
    }
}

// --- Order

void EventFollower::send(base::UserId user, const HeldUser& held, const std::vector<InboxEvent>& events) {
    for (const auto& event : events) {
        if (encoder_.full()) hand_over(held, encoder_.take(user));
        encoder_.add(event);
    }
    if (!encoder_.empty()) hand_over(held, encoder_.take(user));
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
    auto start = [this, user, since, generation = held.generation] {
        ++syncs_;
        loop::spawn(executor_, sync(shared_from_this(), user, generation, since), "gateway: fill a gap");
    };
    if (syncs_ < kSyncsMax) {
        start();
    } else {
        syncs_waiting_.push_back(std::move(start));
    }
}

loop::Task<void> EventFollower::sync(std::shared_ptr<EventFollower> self, base::UserId user, std::uint32_t generation,
                                     base::Version since) {
    const Caller caller{user, {}};
    ApiResult<SyncAnswer> whole = contracts::problem_internal();
    try {
        for (int page_number = 0; page_number < kSyncPagesMax; ++page_number) {
            auto page = co_await self->api_.sync(caller, since, contracts::kSyncLimitMax);
            if (!page || page->reset || page_number == 0) {
                whole = std::move(page);
            } else {
                whole->count = page->count;
                if (page->read_all_before) whole->read_all_before = page->read_all_before;
                for (auto& row : page->notifications) whole->notifications.push_back(std::move(row));
                whole->has_more = page->has_more;
            }
            if (!whole || whole->reset || !whole->has_more || whole->notifications.empty()) break;
            since = whole->notifications.back().version;
        }
    } catch (const std::exception& error) {
        base::log_error("sync failed", {{"error", error.what()}});
        whole = contracts::problem_internal();
    }
    --self->syncs_;
    if (self->stopped_) co_return;
    self->on_synced(user, generation, whole);
    while (self->syncs_ < kSyncsMax && !self->syncs_waiting_.empty()) {
        const auto next = std::move(self->syncs_waiting_.front());
        self->syncs_waiting_.pop_front();
        next();
    }
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
