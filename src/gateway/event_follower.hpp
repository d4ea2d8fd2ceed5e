#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "bus/bus.hpp"
#include "contracts/bus_events.hpp"
#include "gateway/count_reader.hpp"
#include "gateway/deadline_queue.hpp"
#include "gateway/delivery.hpp"
#include "gateway/inbox_order.hpp"
#include "gateway/notification_api.hpp"
#include "gateway/seen_events.hpp"
#include "loop/task.hpp"
#include "metrics/registry.hpp"

namespace carillon::gateway {

/// A shard and how to reach it.
struct ShardLink {
    loop::Executor executor;
    DeliveryTarget* target = nullptr;
};

/// From the bus to the shards: decodes each event once, brings each user's events into version order, encodes them
/// once, and hands them to every shard that has the user: once a turn, when that is another thread's. It owns the index
/// of which shards hold which user; a socket counts as registered when this index has it, and only then is its state
/// read.
///
/// Lives on one executor (a shard's); `attach` and `detach` may be called from any thread, all else happens there. Held
/// by a shared pointer, because coroutines that wait for the notification service keep it alive.
class EventFollower : public std::enable_shared_from_this<EventFollower> {
 public:
    /// Each connected user's version is compared with the service's at least every 30 s.
    static constexpr std::chrono::seconds kComparePass{12};
    static constexpr int kSyncsMax = 16;
    static constexpr int kSyncPagesMax = 16;
    static constexpr std::size_t kUnversionedMax = 10'000;

    /// `deadlines` belongs to the executor; it and all references outlive the executor's loop. At most 64 shards.
    EventFollower(loop::Executor executor, std::vector<ShardLink> shards, NotificationApi& api, bus::Bus& bus,
                  const base::Clock& clock, metrics::Registry& metrics, DeadlineQueue& deadlines);
    ~EventFollower();

    /// Subscribes, before it returns. Thread: any, once.
    void start();
    /// Unsubscribes; what is under way ends without effect. On the executor's thread, or after its loop has ended.
    /// Nothing may be attached after it.
    void stop();

    /// A socket of the user was registered on the shard: it is told the count once the index has the user. Thread: any.
    void attach(base::UserId user, std::size_t shard, std::string socket_id);
    /// The user's last socket on the shard has gone. Thread: any.
    void detach(base::UserId user, std::size_t shard);

    /// For `bus::Follower`; on the executor's thread.
    void on_message(const bus::Delivery& delivery);
    void on_gap();

    std::size_t users() const { return users_.size(); }

 private:
    struct HeldUser {
        std::uint64_t shards = 0;  ///< a bit for each that holds the user
        std::uint32_t generation = 0;
        base::SteadyTime wakes_at = base::SteadyTime::max();  ///< the earliest callback that is scheduled
        InboxOrder order;
    };
    /// A socket that waits for the count.
    struct Newcomer {
        std::size_t shard = 0;
        std::string socket_id;
    };
    using Users = std::unordered_map<base::UserId, HeldUser>;

    // Sockets coming and going.
    void add_socket(base::UserId user, std::size_t shard, std::string socket_id);
    void remove_user(base::UserId user, std::size_t shard);
    void ask_first_count(base::UserId user);
    void on_first_count(base::UserId user, const ApiResult<InboxCount>& count);
    void retry_first_counts();

    // Events.
    /// The usual case: the next event of a user. False when it is not that.
    bool pass_on(const contracts::CreatedEventText& event);
    void on_created(contracts::NotificationCreated event);
    void on_updated(const contracts::NotificationUpdated& event);
    void offer(base::UserId user, InboxEvent event, std::string_view subject);
    void ask_for_missing(contracts::NotificationCreated event, int attempts_left);
    void send_completed(contracts::NotificationCreated event, InboxCount count);
    void refuse(const bus::Delivery& delivery, std::string reason);
    static loop::Task<void> put_aside(std::shared_ptr<EventFollower> self, bus::DeadLetter letter);
    /// What became of an event of the bus, as `bus_events_total` names it.
    enum class EventResult : std::uint8_t { sent, held, stale, overflow, duplicate, no_socket, invalid };
    static constexpr std::size_t kEventResults = 7;
    void count_event(std::string_view subject, EventResult result);

    // Order.
    void send(base::UserId user, const HeldUser& held, const std::vector<InboxEvent>& events);
    void hand_over(const HeldUser& held, const Delivery& delivery);
    /// What waits for a shard goes there.
    void flush_outbox(std::size_t shard);
    void flush_outboxes();
    void set_deadline(base::UserId user, HeldUser& held);
    void on_deadline(base::UserId user);
    void queue_sync(base::UserId user, HeldUser& held);
    static loop::Task<void> sync(std::shared_ptr<EventFollower> self, base::UserId user, std::uint32_t generation,
                                 base::Version since);
    void on_synced(base::UserId user, std::uint32_t generation, const ApiResult<SyncAnswer>& answer);

    // Healing.
    void compare_some();
    void compare(base::UserId user, const HeldUser& held);

    // Constant after construction.
    const loop::Executor executor_;
    const std::vector<ShardLink> shards_;
    NotificationApi& api_;
    bus::Bus& bus_;
    const base::Clock& clock_;
    metrics::Registry& metrics_;
    metrics::Gauge& users_active_;
    DeadlineQueue& deadlines_;

    // Touched only on the executor's thread.
    std::shared_ptr<CountReader> counts_;
    std::unique_ptr<bus::Subscription> subscription_;
    Users users_;
    std::unordered_map<base::UserId, std::vector<Newcomer>> newcomers_;
    DeliveryEncoder encoder_;
    std::vector<std::vector<Delivery>> outboxes_;  ///< by shard; of those on other threads
    bool flush_planned_ = false;
    std::vector<base::UserId> first_counts_failed_;
    std::deque<std::function<void()>> syncs_waiting_;
    int syncs_ = 0;
    int dead_letters_ = 0;
    SeenEvents seen_{32'768};
    std::size_t unversioned_ = 0;
    std::uint32_t generation_ = 0;
    std::size_t compare_bucket_ = 0;
    bool stopped_ = false;
    /// By subject (created, updated) and result; null until the first.
    std::array<std::array<metrics::Counter*, kEventResults>, 2> event_counters_{};
};

}  // namespace carillon::gateway
