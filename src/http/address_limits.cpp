#include "http/address_limits.hpp"

#include <algorithm>
#include <utility>

#include "base/client_network.hpp"

namespace carillon::http {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

std::int64_t to_ns(base::SteadyTime time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

template <class Duration>
constexpr std::int64_t ns_of(Duration duration) {
    return std::chrono::nanoseconds{duration}.count();
}

std::chrono::milliseconds ceil_ms(std::int64_t ns) {
    return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds{ns});
}

}  // namespace

std::optional<std::chrono::milliseconds> AddressBudget::take_connect(base::SteadyTime now_time) {
    if (rates_.connects == 0) return std::nullopt;
    const std::int64_t now = to_ns(now_time);
    std::int64_t full_at = connects_full_ns_.load();
    while (true) {
        const std::int64_t next = std::max(full_at, now) + kSecondNs / rates_.connects;
        const std::int64_t too_early = next - now - ns_of(kConnectBurst);
        if (too_early > 0) return ceil_ms(too_early);
        if (connects_full_ns_.compare_exchange_weak(full_at, next)) return std::nullopt;
    }
}

void AddressBudget::spend(std::size_t bytes, base::SteadyTime now_time) {
    if (rates_.bytes == 0 || bytes == 0) return;
    const std::int64_t now = to_ns(now_time);
    const double cost = static_cast<double>(bytes) * static_cast<double>(kSecondNs) / static_cast<double>(rates_.bytes);
    std::int64_t full_at = bytes_full_ns_.load();
    while (!bytes_full_ns_.compare_exchange_weak(full_at, std::max(full_at, now) + static_cast<std::int64_t>(cost))) {
    }
}

std::chrono::milliseconds AddressBudget::pause(base::SteadyTime now) {
    if (rates_.bytes == 0) return {};
    const std::int64_t debt = bytes_full_ns_.load() - to_ns(now) - ns_of(kBytesBurst);
    if (debt <= 0) return {};
    if (pauses_ != nullptr) pauses_->increment();
    return std::min(ceil_ms(debt), kPauseMax);
}

bool AddressBudget::full(base::SteadyTime now) const {
    return std::max(connects_full_ns_.load(), bytes_full_ns_.load()) <= to_ns(now);
}

std::shared_ptr<AddressBudget> AddressLimits::of(std::string_view address) {
    std::string network = base::client_network(address);
    const bool own = address == "::1" || network.starts_with("127.");
    const AddressRates& rates = own ? config_.loopback : config_.rates;
    if (rates.connects == 0 && rates.bytes == 0) return nullptr;
    // A proxy that does not say who its client is: nobody is held liable for all of them.
    if (!config_.trusted_proxies.empty() && config_.trusted_proxies.trusts(address)) return nullptr;

    const std::scoped_lock lock{mutex_};
    if (const auto found = by_network_.find(network); found != by_network_.end()) {
        entries_.splice(entries_.begin(), entries_, found->second);
        return found->second->budget;
    }
    if (entries_.size() >= config_.addresses_max) {
        by_network_.erase(entries_.back().network);
        entries_.pop_back();
    }
    entries_.push_front({std::move(network), std::make_shared<AddressBudget>(rates, config_.pauses)});
    by_network_.emplace(entries_.front().network, entries_.begin());
    return entries_.front().budget;
}

std::size_t AddressLimits::remembered() const {
    const std::scoped_lock lock{mutex_};
    return entries_.size();
}

void AddressLimits::forget_idle() {
    const std::scoped_lock lock{mutex_};
    const auto now = clock_.steady_now();
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        // Nobody can take a new reference meanwhile: that needs the lock.
        if (entry->budget.use_count() > 1 || !entry->budget->full(now)) {
            ++entry;
            continue;
        }
        by_network_.erase(entry->network);
        entry = entries_.erase(entry);
    }
}

}  // namespace carillon::http
