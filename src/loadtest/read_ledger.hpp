#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "loadtest/tab_set.hpp"

namespace carillon::loadtest {

/// Notifications marked as read: which marks were acknowledged, and which tabs heard of them.
class ReadLedger {
 public:
    using Mark = std::uint64_t;

    /// `notification:read` is about to be sent; each of `owed` must get one `notification:updated`. Nullopt when that
    /// notification was marked before.
    std::optional<Mark> expect(std::uint32_t user, base::NotificationId id, TabSet owed, base::SteadyTime now);

    struct Seen {
        bool first = false;
        std::chrono::nanoseconds latency{0};
    };
    /// The ack; `refused` with the error's code when it is not ok.
    Seen acked(Mark mark, const std::string& refused, base::SteadyTime now);
    /// `notification:updated` with action `read`.
    Seen updated(std::uint32_t user, std::uint32_t tab, base::NotificationId id, base::SteadyTime now);
    /// The tab leaves: it is owed nothing any more. (What it missed it learns as a state, not as events.)
    void excuse(std::uint32_t user, std::uint32_t tab);

    struct Counts {
        std::uint64_t sent = 0;
        std::uint64_t acked = 0;
        std::unordered_map<std::string, std::uint64_t> refused;  ///< by code
        std::uint64_t refusals = 0;
        std::uint64_t owed = 0;
        std::uint64_t delivered = 0;
        std::uint64_t duplicated = 0;
        std::uint64_t lost() const { return owed - delivered; }
    };
    const Counts& counts() const { return counts_; }
    /// Nothing is on its way any more.
    bool complete() const {
        return counts_.owed == counts_.delivered && counts_.acked + counts_.refusals == counts_.sent;
    }
    std::uint64_t in_flight() const { return counts_.sent - counts_.acked - counts_.refusals; }

 private:
    struct Sent {
        base::SteadyTime at;
        TabSet owed;
        TabSet seen;
        std::uint32_t user = 0;
        std::uint32_t missing = 0;  ///< how many of `owed` are not in `seen`
        bool answered = false;
    };

    std::vector<Sent> sent_;
    std::unordered_map<base::NotificationId, Mark> by_id_;
    std::unordered_map<std::uint32_t, std::vector<Mark>> open_;  ///< by user, for `excuse`
    Counts counts_;
};

}  // namespace carillon::loadtest
