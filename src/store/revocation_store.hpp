#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "loop/task.hpp"
#include "store/errc.hpp"
#include "store/idempotency.hpp"

namespace carillon::store {

using RevocationId = base::Id<struct RevocationTag>;

/// Tokens of a user that are good no longer, though their signature and their times are.
struct Revocation {
    RevocationId id;  ///< also the id of its event
    base::UserId user;
    std::optional<std::string> token_id;  ///< the one token with this `jti`; otherwise those issued before:
    base::TimePoint issued_before;        ///< `iat` below it; counts without `token_id` only
    base::TimePoint revoked_at;
    base::TimePoint expires_at;  ///< no token that it refuses lives longer
};

enum class Standing { good, revoked };

/// Keeps the revocations until they expire. Errors of every call: overloaded, unavailable. Thread: any executor, as
/// `UserStore`.
class RevocationStore {
 public:
    virtual ~RevocationStore() = default;

    struct Added {
        Revocation revocation;
        bool replayed = false;  ///< it was made before, under the same claim
    };
    /// The revocation and its event `token.revoked` in the outbox, in one transaction; some that have expired go.
    /// Errors: key_reused.
    virtual loop::Task<base::Result<Added>> add(Revocation revocation, std::optional<IdempotencyClaim> claim,
                                                std::string traceparent) = 0;
    /// A place in the order of time.
    struct Position {
        base::TimePoint revoked_at;
        RevocationId id;
    };
    /// Those after `after` that have not expired at `now`, the oldest first.
    virtual loop::Task<base::Result<std::vector<Revocation>>> list(Position after, base::TimePoint now,
                                                                   std::uint32_t limit) = 0;
    /// Whether one refuses the token; `token_id` may be empty.
    virtual loop::Task<base::Result<Standing>> standing(base::UserId user, std::string token_id,
                                                        base::TimePoint issued_at, base::TimePoint now) = 0;
};

}  // namespace carillon::store
