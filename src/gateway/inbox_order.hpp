#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "gateway/inbox_event.hpp"
#include "gateway/notification_api.hpp"
#include "gateway/version_ranges.hpp"

namespace carillon::gateway {

/// Puts the events of one user into version order, without I/O: what it is offered comes out in order through `out`
/// parameters, and `due` says when its owner must ask the notification service for something.
///
/// - Until the count that is read after registration has come (`start`), events are held.
/// - An event not above the last version is not sent again. Versions that were never sent on their own, because the
///   count at the start or a sync had passed them before their event arrived, are remembered for `kLateWindow` and are
///   sent when they come: a notification is never dropped because its version is old.
/// - A gap is waited for `kGapWait`, then filled from a sync. When the service does not answer, what is there is sent,
///   and the sync is asked for again later.
///
/// Small while nothing is missing (one per connected user). Owned by the event follower, touched only on its thread.
class InboxOrder {
 public:
    static constexpr std::chrono::milliseconds kGapWait{50};
    static constexpr std::chrono::milliseconds kStartWait{1'000};  ///< that events are held for want of the first count
    static constexpr std::chrono::milliseconds kHealWait{500};     ///< for events of a version the service told us of
    static constexpr std::chrono::milliseconds kRetryPause{2'000};
    static constexpr std::chrono::milliseconds kLateWindow{30'000};
    static constexpr std::size_t kHeldMax = 256;

    using Out = std::vector<InboxEvent>;
    enum class Offer { sent, held, stale, overflow };

    /// An event of the bus, with a version. `overflow`: too many are held; it was dropped, the sync will bring it.
    Offer offer(InboxEvent event, base::SteadyTime now, Out& out);
    /// The usual case of `offer`, for a caller that sends the event itself: it is the next, and nothing is held. False:
    /// offer it.
    bool take_next(base::Version version, std::uint64_t unread);

    /// The count read after registration. `before` gets what was held and is not above it, `after` what follows.
    void start(InboxCount count, base::SteadyTime now, Out& before, Out& after);
    bool started() const { return started_; }
    /// What the user's sockets were told last.
    InboxCount told() const { return {unread_, version_}; }
    /// Up to which version everything was sent: what a client names when it comes back.
    base::Version offset() const;

    /// The service was at `count` when `told_then` was told here. Events we lack are asked for after `kHealWait`; when
    /// the service is behind, it was set back, and so are we.
    void compare(InboxCount count, base::Version told_then, base::SteadyTime now);

    enum class Due { nothing, start_without_count, sync };
    std::optional<base::SteadyTime> deadline() const;
    Due due(base::SteadyTime now) const;

    void start_without_count(base::SteadyTime now, Out& out);
    /// The `since` of the sync that is about to be asked. Until its answer, nothing is due.
    base::Version begin_sync();
    void synced(const SyncAnswer& answer, base::SteadyTime now, Out& out);
    void not_synced(base::SteadyTime now, Out& out);

    /// Frees what has served its time.
    void trim(base::SteadyTime now);
    bool at_rest() const { return detail_ == nullptr; }

 private:
    struct Held {
        InboxEvent event;
        base::SteadyTime arrived;
    };
    struct Detail {
        std::map<base::Version, Held> held;
        bool overflowed = false;
        VersionRanges late;
        base::SteadyTime late_until;
        bool syncing = false;
        base::Version told_at_sync = 0;
        base::Version held_at_sync = 0;  ///< the highest; the service knows of it, if it is its own
        base::Version expected = 0;      ///< the service is there already
        base::SteadyTime expected_by;
        std::optional<base::Version> resync_since;  ///< a gap that could not be filled
        base::SteadyTime resync_at;
    };

    Detail& detail();
    void send(InboxEvent event, Out& out);
    void send_following(Out& out);
    /// Sends what is held up to `version`, in order, and remembers the versions between as late.
    void send_over_gaps(base::Version version, base::SteadyTime now, Out& out);
    void fill(const SyncAnswer& answer, base::SteadyTime now, Out& out);
    void remember_late(base::Version first, base::Version last, base::SteadyTime now);

    bool started_ = false;
    base::Version version_ = 0;
    std::uint64_t unread_ = 0;
    std::unique_ptr<Detail> detail_;  ///< null while nothing is held or missing
};

}  // namespace carillon::gateway
