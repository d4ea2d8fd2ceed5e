#include "loadtest/read_ledger.hpp"

#include <algorithm>
#include <bit>

namespace carillon::loadtest {

std::optional<ReadLedger::Mark> ReadLedger::expect(std::uint32_t user, base::NotificationId id, Tabs owed,
                                                   base::SteadyTime now) {
    const Mark mark = sent_.size();
    if (!by_id_.emplace(id, mark).second) return std::nullopt;
    Sent sent;
    sent.at = now;
    sent.owed = owed;
    sent.user = user;
    sent_.push_back(sent);
    open_[user].push_back(mark);
    ++counts_.sent;
    counts_.owed += static_cast<std::uint64_t>(std::popcount(owed));
    return mark;
}

ReadLedger::Seen ReadLedger::acked(Mark mark, const std::string& refused, base::SteadyTime now) {
    if (mark >= sent_.size() || sent_[mark].answered) return {};
    Sent& sent = sent_[mark];
    sent.answered = true;
    if (refused.empty()) {
        ++counts_.acked;
        return {true, now - sent.at};
    }
    ++counts_.refusals;
    ++counts_.refused[refused];
    // Nobody is told of what did not happen.
    counts_.owed -= static_cast<std::uint64_t>(std::popcount(sent.owed & ~sent.seen));
    sent.owed &= sent.seen;
    return {};
}

ReadLedger::Seen ReadLedger::updated(std::uint32_t user, std::uint32_t tab, base::NotificationId id,
                                     base::SteadyTime now) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return {};
    Sent& sent = sent_[found->second];
    const Tabs bit = Tabs{1} << tab;
    if (sent.user != user) return {};
    if ((sent.seen & bit) != 0) {
        ++counts_.duplicated;
        return {};
    }
    const bool owed = (sent.owed & bit) != 0;
    sent.seen |= bit;
    if (!owed) return {};
    ++counts_.delivered;
    if ((sent.owed & ~sent.seen) == 0) std::erase(open_[user], found->second);
    return {true, now - sent.at};
}

void ReadLedger::excuse(std::uint32_t user, std::uint32_t tab) {
    const auto open = open_.find(user);
    if (open == open_.end()) return;
    const Tabs bit = Tabs{1} << tab;
    for (const Mark mark : open->second) {
        Sent& sent = sent_[mark];
        if ((sent.owed & ~sent.seen & bit) == 0) continue;
        sent.owed &= ~bit;
        --counts_.owed;
    }
    std::erase_if(open->second, [this](Mark mark) { return (sent_[mark].owed & ~sent_[mark].seen) == 0; });
}

}  // namespace carillon::loadtest
