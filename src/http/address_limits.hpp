#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "http/trusted_proxies.hpp"
#include "metrics/registry.hpp"

namespace carillon::http {

/// A second; 0: no limit.
struct AddressRates {
    std::uint32_t connects = 0;  ///< Engine.IO handshakes
    std::uint64_t bytes = 0;     ///< of polling bodies and WebSocket frames received
};

/// What one address may still do. Both buckets hold some seconds' worth. Thread: any.
class AddressBudget {
 public:
    static constexpr std::chrono::seconds kConnectBurst{10};
    static constexpr std::chrono::seconds kBytesBurst{8};
    /// After so long it is asked again: an address in debt has several connections, and each gets its turn.
    static constexpr std::chrono::milliseconds kPauseMax{500};

    /// `pauses` may be null; it outlives the budget.
    AddressBudget(AddressRates rates, metrics::Counter* pauses) : rates_{rates}, pauses_{pauses} {}

    /// Takes a handshake, or says when there is one to be had.
    std::optional<std::chrono::milliseconds> take_connect(base::SteadyTime now);
    /// What has been read is paid for, if need be with a debt.
    void spend(std::size_t bytes, base::SteadyTime now);
    /// How long to wait before more is read, at most `kPauseMax`; zero: not at all. Counted when it is not.
    std::chrono::milliseconds pause(base::SteadyTime now);
    /// Whether forgetting it changes nothing.
    bool full(base::SteadyTime now) const;

 private:
    // Constant after construction
    const AddressRates rates_;
    metrics::Counter* const pauses_;

    // When the buckets are full again
    std::atomic<std::int64_t> connects_full_ns_{0};
    std::atomic<std::int64_t> bytes_full_ns_{0};
};

struct AddressLimitsConfig {
    AddressRates rates;
    /// Of this machine's own addresses: a proxy that was not named as trusted is there, and all of its clients with it.
    AddressRates loopback;
    TrustedProxies trusted_proxies;  ///< they themselves are not limited
    std::size_t addresses_max = 65'536;
    metrics::Counter* pauses = nullptr;  ///< waits before more was read
};

/// The budgets of the addresses seen lately, an IPv6 address by its /64. One is remembered while a connection holds it
/// or it is not full; of more than `addresses_max` the one that was asked for longest ago is forgotten first. Thread:
/// any. The lock is taken for a handshake and for a polling POST, not for a frame.
class AddressLimits {
 public:
    AddressLimits(const base::Clock& clock, AddressLimitsConfig config) : clock_{clock}, config_{std::move(config)} {}

    /// Null: that address has no limit.
    std::shared_ptr<AddressBudget> of(std::string_view address);
    std::size_t remembered() const;
    void forget_idle();

 private:
    struct Entry {
        std::string network;
        std::shared_ptr<AddressBudget> budget;
    };

    // Constant after construction
    const base::Clock& clock_;
    const AddressLimitsConfig config_;

    mutable std::mutex mutex_;
    // Guarded by mutex_
    std::list<Entry> entries_;  ///< the one asked for last is first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_network_;
};

}  // namespace carillon::http
