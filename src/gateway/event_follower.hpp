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
    static constexpr int kRecoveryAttempts = 5;
    /// More than this, and the client fetches its inbox anew.
    static constexpr std::size_t kRecoveryEventsMax = 1'000;

    /// `deadlines` belongs to the executor; it and all references outlive the executor's loop. At most 64 shards.
    EventFollower(loop::Executor executor, std::vector<ShardLink> shards, NotificationApi& api, bus::Bus& bus,
                  const base::Clock& clock, metrics::Registry& metrics, DeadlineQueue& deadlines);
    ~EventFollower();

    /// Subscribes, before it returns. Thread: any, once.
    void start();
    /// Unsubscribes; what is under way ends without effect. On the executor's thread, or after its loop has ended.
    /// Nothing may be attached after it.
    void stop();

    /// A socket of the user is on its way on the shard: it arrives once the index has the user and its state was read.
    /// Thread: any.
    void attach(base::UserId user, Newcomer newcomer);
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
    /// The newest count, and up to which version the user's sockets have been sent everything.
    struct Known {
        InboxCount count;
        base::Version offset = 0;
    };
    /// A newcomer whose missed events are being read, and what was sent to the others meanwhile.
    struct Recovery {
        base::UserId user;
        Newcomer newcomer;
        int attempts_left = kRecoveryAttempts;
        bool too_many = false;
        std::vector<InboxEvent> meanwhile;
    };
    using RecoveryPtr = std::shared_ptr<Recovery>;
    /// A socket that a sync brought up to `version`: it is not sent again what comes later and is not above it.
    struct BroughtUp {
        std::string socket_id;
        base::Version version = 0;
    };
    using Users = std::unordered_map<base::UserId, HeldUser>;

    // Sockets coming and going.
    void add_socket(base::UserId user, Newcomer newcomer);
    void remove_user(base::UserId user, std::size_t shard);
    void ask_first_count(base::UserId user);
    void on_first_count(base::UserId user, const ApiResult<InboxCount>& count);
    void retry_first_counts();
    void receive(base::UserId user, const Newcomer& newcomer, Known known);
    void arrive(const Newcomer& newcomer, Arrival arrival);
    void arrive_anew(const Newcomer& newcomer, Known known);

    // Clients that come back (recover_sockets.cpp).
    void begin_recovery(base::UserId user, Newcomer newcomer);
    void queue_recovery(RecoveryPtr recovery);
    static loop::Task<void> recover(std::shared_ptr<EventFollower> self, RecoveryPtr recovery);
    void on_recovery_read(const RecoveryPtr& recovery, const ApiResult<SyncAnswer>& answer);
    void end_recovery(const RecoveryPtr& recovery);
    void arrive_recovered(const Recovery& recovery, const SyncAnswer& answer);
    void remember_brought_up(base::UserId user, const Newcomer& newcomer, base::Version version);
    void forget_brought_up(base::UserId user, const std::string& socket_id);
    /// Which sockets of the user have been sent the event already.
    std::vector<std::string> sockets_that_have(base::UserId user, const InboxEvent& event) const;

    // Events.
    /// The usual case: the next event of a user. False when it is not that.
    bool pass_on(const contracts::CreatedEventText& event, std::string_view traceparent);
    void on_created(contracts::NotificationCreated event, std::string_view traceparent);
    void on_updated(const contracts::NotificationUpdated& event, std::string_view traceparent);
    void offer(base::UserId user, InboxEvent event, std::string_view subject);
    void ask_for_missing(contracts::NotificationCreated event, std::string traceparent, int attempts_left);
    void send_completed(contracts::NotificationCreated event, std::string traceparent, InboxCount count);
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
    /// Now, or when one of those under way has ended.
    void start_sync(std::function<void()> start);
    void sync_ended();
    /// All pages of a sync.
    static loop::Task<ApiResult<SyncAnswer>> read_changes(std::shared_ptr<EventFollower> self, base::UserId user,
                                                          base::Version since);
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
    metrics::Counter& recovered_;
    metrics::Counter& not_recovered_;
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
    std::unordered_multimap<base::UserId, RecoveryPtr> recoveries_;
    std::unordered_multimap<base::UserId, BroughtUp> brought_up_;
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
