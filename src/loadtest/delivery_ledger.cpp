#include "loadtest/delivery_ledger.hpp"

#include <charconv>
#include <utility>

namespace carillon::loadtest {
namespace {

std::string make_prefix(std::uint64_t run) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string prefix = "lt:";
    for (int shift = 60; shift >= 0; shift -= 4) prefix.push_back(kDigits[(run >> shift) & 0xF]);
    prefix.push_back(':');
    return prefix;
}

}  // namespace

DeliveryLedger::DeliveryLedger(std::uint64_t run, std::size_t users) : prefix_{make_prefix(run)}, open_(users) {}

DeliveryLedger::Sequence DeliveryLedger::expect(std::uint32_t user, TabSet owed, base::SteadyTime now) {
    Sent sent;
    sent.at = now;
    sent.missing = static_cast<std::uint32_t>(owed.size());
    sent.owed = std::move(owed);
    sent.user = user;
    const Sequence sequence = sent_.size();
    if (sent.missing > 0) open_[user].push_back(sequence);
    ++counts_.sent;
    counts_.owed += sent.missing;
    sent_.push_back(std::move(sent));
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
    counts_.owed -= std::exchange(sent.missing, 0);
    sent.owed = {};
    settle(sent.user);
}

void DeliveryLedger::excuse(std::uint32_t user, std::uint32_t tab) {
    for (const Sequence sequence : open_[user]) {
        Sent& sent = sent_[sequence];
        if (!sent.misses(tab)) continue;
        sent.owed.erase(tab);
        --sent.missing;
        --counts_.owed;
    }
    settle(user);
}

void DeliveryLedger::settle(std::uint32_t user) {
    auto& open = open_[user];
    while (!open.empty() && sent_[open.front()].missing == 0) open.pop_front();
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
    if (sent.user != user) {
        ++counts_.wrong_user;
        seen.arrival = Arrival::wrong_user;
    } else if (sent.live.contains(tab)) {
        ++counts_.duplicated;
        seen.arrival = Arrival::duplicate;
    } else {
        const bool owed = sent.misses(tab);
        sent.live.insert(tab);
        seen.arrival = owed ? Arrival::first : Arrival::not_owed;
        if (!owed) return seen;
        --sent.missing;
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
    if (sent.user != user) {
        ++counts_.wrong_user;
        seen.arrival = Arrival::wrong_user;
        return seen;
    }
    const bool owed = sent.misses(tab);
    sent.synced.insert(tab);
    seen.arrival = owed ? Arrival::first : Arrival::not_owed;
    if (!owed) return seen;
    --sent.missing;
    ++counts_.delivered;
    ++counts_.recovered;
    settle(user);
    return seen;
}

}  // namespace carillon::loadtest
