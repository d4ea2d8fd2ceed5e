#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "loadtest/delivery_ledger.hpp"
#include "loadtest/fleet.hpp"
#include "loadtest/message_allowance.hpp"
#include "loadtest/notification_source.hpp"
#include "loadtest/read_ledger.hpp"
#include "loadtest/recorder.hpp"
#include "loadtest/server_watch.hpp"
#include "loadtest/user_tokens.hpp"

namespace carillon::loadtest {

/// One run's clients and books: what scenarios are written with. It serves the loop while a scenario waits, keeps the
/// ledgers, asks for what a client missed when it comes back, and samples. One thread.
class Session final : private ClientEvents, private SourceEvents {
 public:
    using Condition = std::function<bool()>;

    /// Throws SetupError when the plan cannot be carried out. `stop`: set from outside to end the run early.
    Session(const Plan& plan, const std::atomic<bool>& stop, std::function<void(const Sample&)> on_sample);
    ~Session();

    /// Serves until `done`, at most until `deadline`; `done` is asked every turn, so it may also do what is due. False:
    /// not done, because of the deadline or because the run was stopped.
    bool serve(base::SteadyTime deadline, const Condition& done);
    bool stopped() const { return stop_ || !result_.stopped_by.empty(); }

    /// Creates one notification for the user; the tabs that listen are owed it.
    void push(std::uint32_t user);
    /// Marks a notification as read from the client, if the user may send now. False: not yet, or it was marked before.
    bool mark(SocketIoClient& client, base::NotificationId id);
    /// When the user may send the next message.
    base::SteadyTime may_send_at(std::uint32_t user) const { return allowance_.earliest(user); }
    /// The client goes, gently or not, and comes back at `back`.
    void leave_until(SocketIoClient& client, bool gently, base::SteadyTime back);
    /// What counts as the time of the deliveries begins now.
    void restart_delivery_time() { first_created_at_ = std::chrono::steady_clock::now(); }
    /// Finds out whether the gateway says the count after connecting and knows `notification:sync`.
    void settle();

    const Plan& plan() const { return plan_; }
    Fleet& fleet() { return fleet_; }
    NotificationSource& source() { return *source_; }
    Recorder& recorder() { return recorder_; }
    const DeliveryLedger& deliveries() const { return deliveries_; }
    const ReadLedger& reads() const { return reads_; }
    /// Nothing is on its way any more: creations, deliveries, marks.
    bool quiet() const;
    /// Clients that listen and have what they missed.
    std::size_t current() const;
    /// Grows with everything that comes in: a drain that sees it stand still gives up.
    std::uint64_t progress() const { return progress_; }

    /// Called with each notification that reaches a socket for the first time.
    std::function<void(SocketIoClient& client, base::NotificationId id)> on_notification;

    Result& result() { return result_; }
    /// Closes all clients and gives the result away.
    Result finish();

 private:
    // ClientEvents
    void on_ready(SocketIoClient& client, base::SteadyTime now) override;
    void on_event(SocketIoClient& client, std::string_view name, std::string_view arguments,
                  base::SteadyTime now) override;
    void on_ack(SocketIoClient& client, std::uint64_t id, std::string_view arguments, base::SteadyTime now) override;
    void on_ended(SocketIoClient& client, std::string_view reason, bool was_ready) override;
    // SourceEvents
    void on_created(std::uint64_t sequence, base::SteadyTime now) override;
    void on_create_failed(std::uint64_t sequence, std::string_view reason) override;

    void on_new(SocketIoClient& client, std::string_view payload, base::SteadyTime now);
    void on_updated(SocketIoClient& client, std::string_view payload, base::SteadyTime now);
    void begin_listening(SocketIoClient& client);
    void request_sync(SocketIoClient& client, base::SteadyTime when);
    void send_sync(SocketIoClient& client);
    void on_synced(SocketIoClient& client, std::string_view answer);
    void probe_sync();
    void tick(base::SteadyTime now);

    /// What is known of a client beyond its connection.
    struct Tab {
        bool connected_once = false;
        bool joined = false;   ///< has listened before
        bool current = false;  ///< has what it missed
    };
    struct DueSync {
        base::SteadyTime when;
        std::uint32_t index = 0;
        bool operator>(const DueSync& other) const { return when > other.when; }
    };

    // Constant after construction
    const Plan& plan_;
    const std::atomic<bool>& stop_;
    const std::uint64_t run_;

    Result result_;
    Reactor reactor_;
    ServerWatch watch_;
    Recorder recorder_;
    UserTokens users_;
    DeliveryLedger deliveries_;
    ReadLedger reads_;
    std::unique_ptr<NotificationSource> source_;
    MessageAllowance allowance_;
    std::vector<std::uint64_t> numbers_;        ///< by user: notifications made
    std::vector<Tab> tabs_;                     ///< by client
    std::vector<base::SteadyTime> created_at_;  ///< by sequence
    std::priority_queue<DueSync, std::vector<DueSync>, std::greater<>> due_syncs_;
    std::optional<bool> greets_;  ///< the gateway says the count after connecting; nullopt: not known yet
    std::optional<bool> syncs_;
    std::size_t current_ = 0;
    std::uint64_t progress_ = 0;
    std::optional<base::SteadyTime> first_created_at_;
    base::SteadyTime last_delivery_at_{};
    base::SteadyTime last_read_at_{};
    std::optional<base::SteadyTime> first_mark_at_;
    Fleet fleet_;
};

}  // namespace carillon::loadtest
