#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"

namespace carillon::auth {

/// At most so many attempts of one key in any window of time (sliding, exact). An attempt is taken before its outcome
/// is known, so that attempts made at once cannot slip through together, and given back when it should not count.
///
/// Memory is bounded: keys whose attempts have all left the window are forgotten, and past `keys_max` the one used
/// longest ago is, even when it still counts. Thread: any.
class AttemptLimiter {
 public:
    struct Limits {
        std::size_t attempts = 10;  ///< 0: no limit
        std::chrono::milliseconds window{60'000};
        std::size_t keys_max = 20'000;
    };

    AttemptLimiter(const base::Clock& clock, Limits limits);

    /// Nullopt when the attempt may go on and was counted. Otherwise how long until one may.
    std::optional<std::chrono::milliseconds> take(std::string_view key);
    /// Uncounts the latest attempt of `key`.
    void give_back(std::string_view key);
    /// How many keys are remembered now.
    std::size_t size() const;

 private:
    struct Entry {
        std::string key;
        std::vector<base::SteadyTime> attempts;  // oldest first
    };
    using Entries = std::list<Entry>;

    Entry& touch(std::string_view key);
    void forget_idle(base::SteadyTime window_start);

    // Constant after construction.
    const base::Clock& clock_;
    const Limits limits_;
    // Guarded by mutex_.
    mutable std::mutex mutex_;
    Entries entries_;                                                // latest used first
    std::unordered_map<std::string_view, Entries::iterator> index_;  // keys live in entries_
};

}  // namespace carillon::auth
