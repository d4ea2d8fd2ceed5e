#pragma once

#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "loop/task.hpp"
#include "store/errc.hpp"

namespace carillon::store {

struct User {
    base::UserId id;
    std::string email;  ///< as registered; compared caselessly (ASCII)
    std::optional<std::string> name;
    std::string password_hash;  ///< encoded argon2id string
    base::TimePoint created_at;
};

/// Keeps the registered users. Thread: any executor, as `NotificationStore`.
class UserStore {
 public:
    virtual ~UserStore() = default;

    /// The user and the event `user.registered` in the outbox, in one transaction. Errors: email_taken, overloaded,
    /// unavailable.
    virtual loop::Task<base::Result<void>> create(User user, std::string traceparent) = 0;
    virtual loop::Task<base::Result<User>> find_by_email(std::string email) = 0;
    virtual loop::Task<base::Result<User>> find_by_id(base::UserId id) = 0;
    /// The user and the pending events that tell of the registration. Errors: not_found, overloaded, unavailable.
    virtual loop::Task<base::Result<void>> erase(base::UserId id) = 0;
    /// Keeps `renewed` in place of `known`. Errors: not_found when there is no such user, or the hash is another by
    /// now; overloaded, unavailable.
    virtual loop::Task<base::Result<void>> replace_password_hash(base::UserId id, std::string known,
                                                                 std::string renewed) = 0;
    virtual loop::Task<base::Result<void>> check() = 0;
};

}  // namespace carillon::store
