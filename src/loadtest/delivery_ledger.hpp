#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "loadtest/latency_histogram.hpp"
#include "loadtest/tab_set.hpp"

namespace carillon::loadtest {

/// Who is owed which notification, and who has had it: each is known by its title, `lt:<run>:<sequence>:<ns>` (when it
/// was sent, by the monotonic clock), so that what is lost, comes twice or reaches the wrong user is seen one by one.
class DeliveryLedger {
 public:
    using Sequence = std::uint64_t;

    DeliveryLedger(std::uint64_t run, std::size_t users);

    /// A notification is about to be sent to the user; each of `owed` must get it. Its latency counts from `now`.
    Sequence expect(std::uint32_t user, TabSet owed, base::SteadyTime now);
    std::string title(Sequence sequence) const;
    /// It was not taken by the server: nobody is owed it.
    void cancel(Sequence sequence);
    /// The tab leaves and will not ask for what it missed: what is on its way is not owed to it any more.
    void excuse(std::uint32_t user, std::uint32_t tab);

    enum class Arrival {
        first,
        duplicate,
        wrong_user,
        not_owed,  ///< of this run, but nothing that had to come: after `excuse` or `cancel`, or to a tab that came
                   ///< later
        foreign,   ///< not of this run
    };
    struct Seen {
        Arrival arrival = Arrival::foreign;
        Sequence sequence = 0;
        std::chrono::nanoseconds latency{0};  ///< of a first arrival
    };
    /// A `notification:new` on a socket.
    Seen live(std::uint32_t user, std::uint32_t tab, std::string_view payload, base::SteadyTime now);
    /// A row of a sync's answer.
    Seen synced(std::uint32_t user, std::uint32_t tab, std::string_view payload);

    struct Counts {
        std::uint64_t sent = 0;  ///< not cancelled
        std::uint64_t owed = 0;
        std::uint64_t delivered = 0;
        std::uint64_t recovered = 0;  ///< of these, by sync
        std::uint64_t duplicated = 0;
        std::uint64_t wrong_user = 0;
        std::uint64_t lost() const { return owed - delivered; }
    };
    const Counts& counts() const { return counts_; }
    bool complete() const { return counts_.owed == counts_.delivered; }

 private:
    struct Sent {
        base::SteadyTime at;
        TabSet owed;
        TabSet live;    ///< who has had it on a socket
        TabSet synced;  ///< who has had it by sync
        std::uint32_t user = 0;
        std::uint32_t missing = 0;  ///< how many of `owed` have it neither way
        bool cancelled = false;
        bool misses(std::uint32_t tab) const {
            return owed.contains(tab) && !live.contains(tab) && !synced.contains(tab);
        }
    };
    bool find(std::string_view payload, Sequence& sequence) const;
    void settle(std::uint32_t user);

    const std::string prefix_;
    std::vector<Sent> sent_;
    std::vector<std::deque<Sequence>> open_;  ///< by user: not yet complete, oldest first (with complete ones between)
    Counts counts_;
};

}  // namespace carillon::loadtest
