#include "loadtest/delivery_ledger.hpp"

#include <bit>
#include <charconv>

namespace carillon::loadtest {
namespace {

std::string make_prefix(std::uint64_t run) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string prefix = "lt:";
    for (int shift = 60; shift >= 0; shift -= 4) prefix.push_back(kDigits[(run >> shift) & 0xF]);
    prefix.push_back(':');
    return prefix;
}

std::uint64_t bits(DeliveryLedger::Tabs tabs) {
    return static_cast<std::uint64_t>(std::popcount(tabs));
}

}  // namespace

DeliveryLedger::DeliveryLedger(std::uint64_t run, std::size_t users) : prefix_{make_prefix(run)}, open_(users) {}

DeliveryLedger::Sequence DeliveryLedger::expect(std::uint32_t user, Tabs owed, base::SteadyTime now) {
    Sent sent;
    sent.at = now;
    sent.owed = owed;
    sent.user = user;
    sent_.push_back(sent);
    const Sequence sequence = sent_.size() - 1;
    if (owed != 0) open_[user].push_back(sequence);
    ++counts_.sent;
    counts_.owed += bits(owed);
    return sequence;
}

std::string DeliveryLedger::title(Sequence sequence) const {
    return prefix_ + std::to_string(sequence) + ':' +
           std::to_string(std::chrono::nanoseconds{sent_[sequence].at.time_since_epoch()}.count());
}

void DeliveryLedger::cancel(Sequence sequence) {
    Sent& sent = sent_[sequence];
    if (sent.cancelled) return;
    sent.cancelled = true;
    --counts_.sent;
    counts_.owed -= bits(sent.missing());
    sent.owed &= ~sent.missing();
    settle(sent.user);
}

void DeliveryLedger::excuse(std::uint32_t user, std::uint32_t tab) {
    const Tabs bit = Tabs{1} << tab;
    for (const Sequence sequence : open_[user]) {
        Sent& sent = sent_[sequence];
        if ((sent.missing() & bit) == 0) continue;
        sent.owed &= ~bit;
        --counts_.owed;
    }
    settle(user);
}

void DeliveryLedger::settle(std::uint32_t user) {
    auto& open = open_[user];
    while (!open.empty() && sent_[open.front()].missing() == 0) open.pop_front();
}

bool DeliveryLedger::find(std::string_view payload, Sequence& sequence) const {
    const auto at = payload.find(prefix_);
    if (at == std::string_view::npos) return false;
    const char* const first = payload.data() + at + prefix_.size();
    const auto number = std::from_chars(first, payload.data() + payload.size(), sequence);
    return number.ec == std::errc{} && sequence < sent_.size();
}

DeliveryLedger::Seen DeliveryLedger::live(std::uint32_t user, std::uint32_t tab, std::string_view payload,
                                          base::SteadyTime now) {
    Seen seen;
    if (!find(payload, seen.sequence)) return seen;
    Sent& sent = sent_[seen.sequence];
    const Tabs bit = Tabs{1} << tab;
    if (sent.user != user) {
        ++counts_.wrong_user;
        seen.arrival = Arrival::wrong_user;
    } else if ((sent.live & bit) != 0) {
        ++counts_.duplicated;
        seen.arrival = Arrival::duplicate;
    } else {
        const bool owed = (sent.missing() & bit) != 0;
        sent.live |= bit;
        seen.arrival = owed ? Arrival::first : Arrival::not_owed;
        if (!owed) return seen;
        ++counts_.delivered;
        seen.latency = now - sent.at;
        settle(user);
    }
    return seen;
}

DeliveryLedger::Seen DeliveryLedger::synced(std::uint32_t user, std::uint32_t tab, std::string_view payload) {
    Seen seen;
    if (!find(payload, seen.sequence)) return seen;
    Sent& sent = sent_[seen.sequence];
    const Tabs bit = Tabs{1} << tab;
    if (sent.user != user) {
        ++counts_.wrong_user;
        seen.arrival = Arrival::wrong_user;
        return seen;
    }
    const bool owed = (sent.missing() & bit) != 0;
    sent.synced |= bit;
    seen.arrival = owed ? Arrival::first : Arrival::not_owed;
    if (!owed) return seen;
    ++counts_.delivered;
    ++counts_.recovered;
    settle(user);
    return seen;
}

}  // namespace carillon::loadtest
