#pragma once

#include <optional>
#include <string>

#include "base/ids.hpp"

namespace carillon::notifications {

/// Who asks: a service, for itself or on behalf of a user. Keys of one caller are none of another's.
struct Caller {
    std::string service;  ///< the `sub` of its internal token
    std::optional<base::UserId> on_behalf_of;
};

/// What comes with a change beside what is asked.
struct CallContext {
    std::string traceparent;
    Caller caller;
    std::string idempotency_key;  ///< empty: the call may be made again, and is then done again
};

}  // namespace carillon::notifications
