#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "bus/bus.hpp"
#include "gateway/auth_api.hpp"
#include "gateway/revocation_list.hpp"
#include "loop/task.hpp"

namespace carillon::gateway {

/// Keeps a gateway's list of revocations: from the bus within moments, and from the auth service at the start, after a
/// gap, and every few seconds (so that a bus that is away delays a revocation, and loses none).
///
/// Lives on one executor (a shard's). Held by a shared pointer, because coroutines that wait for the auth service keep
/// it alive.
class RevocationFollower : public std::enable_shared_from_this<RevocationFollower> {
 public:
    static constexpr std::chrono::seconds kInterval{5};
    /// While the auth service does not answer.
    static constexpr std::chrono::milliseconds kRetry{500};
    /// What was committed late may have an earlier time.
    static constexpr std::chrono::seconds kOverlap{60};

    /// `on_revoked` is told once of each, on the executor's thread. All references outlive the executor's loop.
    RevocationFollower(loop::Executor executor, AuthApi& accounts, bus::Bus& bus, const base::Clock& clock,
                       RevocationList& list, std::function<void(const contracts::Revocation&)> on_revoked);

    /// Subscribes, before it returns. Thread: any, once.
    void start();
    /// On the executor's thread, or after its loop has ended.
    void stop();

    /// For `bus::Follower`; on the executor's thread.
    void on_message(const bus::Delivery& delivery);
    /// Reads what the auth service has that is new; false when it does not answer.
    static loop::Task<bool> load(std::shared_ptr<RevocationFollower> self);

 private:
    static loop::Task<void> keep_loading(std::shared_ptr<RevocationFollower> self);
    static loop::Task<void> load_once(std::shared_ptr<RevocationFollower> self);
    static loop::Task<void> put_aside(std::shared_ptr<RevocationFollower> self, bus::DeadLetter letter);
    void take(const contracts::Revocation& revocation);

    // Constant after construction.
    const loop::Executor executor_;
    AuthApi& accounts_;
    bus::Bus& bus_;
    const base::Clock& clock_;
    RevocationList& list_;

    // Touched only on the executor's thread.
    std::function<void(const contracts::Revocation&)> on_revoked_;
    std::unique_ptr<bus::Subscription> subscription_;
    base::TimePoint since_;  ///< everything before is known
    int dead_letters_ = 0;
    bool away_told_ = false;
    bool stopped_ = false;
};

}  // namespace carillon::gateway
