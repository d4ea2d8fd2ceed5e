#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "loop/task.hpp"
#include "store/errc.hpp"

namespace carillon::store {

using SessionId = base::Id<struct SessionTag>;

/// A log-in that goes on by refresh tokens: all tokens that came out of one log-in. Of the tokens there is a hash only.
struct Session {
    SessionId id;
    base::UserId user;
    base::Digest current{};  ///< of the one token that is good
    /// When the last tokens were replaced, newest first, at most `kRotationsMax`.
    std::vector<base::TimePoint> rotations;
    base::TimePoint created_at;
    base::TimePoint expires_at;
};

inline constexpr std::size_t kRotationsMax = 8;

/// As it is kept: milliseconds since the epoch, separated by commas.
std::string encode_rotations(const std::vector<base::TimePoint>& rotations);
std::vector<base::TimePoint> decode_rotations(std::string_view text);

/// Keeps the sessions. Errors of every call: overloaded, unavailable. Thread: any executor, as `UserStore`.
class SessionStore {
 public:
    virtual ~SessionStore() = default;

    /// Keeps a new one. The user's oldest beyond `per_user_max` go, and some that have expired, whosever they are.
    virtual loop::Task<base::Result<void>> begin(Session session, std::uint32_t per_user_max) = 0;
    /// Errors: not_found. One that has expired is found until it is removed.
    virtual loop::Task<base::Result<Session>> find(SessionId id) = 0;
    /// `renewed` takes the place of `known`. Errors: not_found when there is no such session, or its token is another
    /// by now.
    virtual loop::Task<base::Result<void>> rotate(SessionId id, base::Digest known, base::Digest renewed,
                                                  std::vector<base::TimePoint> rotations) = 0;
    /// Done also when there was none.
    virtual loop::Task<base::Result<void>> end(SessionId id) = 0;
    /// Those of a user that began before; how many there were.
    virtual loop::Task<base::Result<std::uint64_t>> end_all(base::UserId user, base::TimePoint begun_before) = 0;
};

}  // namespace carillon::store
