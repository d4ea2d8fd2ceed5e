#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/ids.hpp"
#include "store/inbox_results.hpp"

/// Making a mutation repeatable (architecture.md, "Idempotency-Key"). The claim comes with the call, and the store
/// keeps it with the effect and the answer in one transaction. All adapters share what is here.
namespace carillon::store {

/// The caller's right to have something done once. Neither the key nor what was asked can be read from it.
struct IdempotencyClaim {
    base::Digest key;                   ///< of caller, route and key: one row for each
    base::Digest request;               ///< of what is asked: another one under the same key is `errc::key_reused`
    std::optional<base::UserId> owner;  ///< whose data the row is; erasing that user erases it
    base::TimePoint now;
};

/// A kept answer that is older counts as absent.
inline constexpr std::chrono::hours kIdempotencyLifetime{24};

/// Of kept answers; the oldest go first.
inline constexpr std::uint64_t kIdempotencyKeysMax = 1'000'000;

/// Of creations under one claim.
inline constexpr std::size_t kCreateOnceMax = 1'000;

/// In the order of the request.
struct CreatedIds {
    std::vector<base::NotificationId> ids;
};

/// The notification to be read was not there.
struct NothingFound {};

/// What a call answered when its key was new. Holds no text of a notification: those are found by id, and never change.
using FirstAnswer = std::variant<CreatedIds, MarkedRead, ReadAll, NothingFound>;

/// As it is kept: a JSON object, which an export can show.
std::string encode_first_answer(const FirstAnswer& answer);
std::optional<FirstAnswer> decode_first_answer(std::string_view text);

}  // namespace carillon::store
