#include "loadtest/read_ledger.hpp"

#include <algorithm>
#include <utility>

namespace carillon::loadtest {

std::optional<ReadLedger::Mark> ReadLedger::expect(std::uint32_t user, base::NotificationId id, TabSet owed,
                                                   base::SteadyTime now) {
    const Mark mark = sent_.size();
    if (!by_id_.emplace(id, mark).second) return std::nullopt;
    Sent sent;
    sent.at = now;
    sent.missing = static_cast<std::uint32_t>(owed.size());
    sent.owed = std::move(owed);
    sent.user = user;
    open_[user].push_back(mark);
    ++counts_.sent;
    counts_.owed += sent.missing;
    sent_.push_back(std::move(sent));
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
    counts_.owed -= std::exchange(sent.missing, 0);
    sent.owed.keep(sent.seen);
    return {};
}

ReadLedger::Seen ReadLedger::updated(std::uint32_t user, std::uint32_t tab, base::NotificationId id,
                                     base::SteadyTime now) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return {};
    Sent& sent = sent_[found->second];
    if (sent.user != user) return {};
    if (!sent.seen.insert(tab)) {
        ++counts_.duplicated;
        return {};
    }
    if (!sent.owed.contains(tab)) return {};
    --sent.missing;
    ++counts_.delivered;
    if (sent.missing == 0) std::erase(open_[user], found->second);
    return {true, now - sent.at};
}

void ReadLedger::excuse(std::uint32_t user, std::uint32_t tab) {
    const auto open = open_.find(user);
    if (open == open_.end()) return;
    for (const Mark mark : open->second) {
        Sent& sent = sent_[mark];
        if (sent.seen.contains(tab) || !sent.owed.erase(tab)) continue;
        --sent.missing;
        --counts_.owed;
    }
    std::erase_if(open->second, [this](Mark mark) { return sent_[mark].missing == 0; });
}

}  // namespace carillon::loadtest
