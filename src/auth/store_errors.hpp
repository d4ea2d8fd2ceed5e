#pragma once

#include "auth/errc.hpp"
#include "base/result.hpp"
#include "store/errc.hpp"

namespace carillon::auth {

/// What a refusal of the store means for the caller of the service.
inline errc from_store(const base::ErrorCode& error) {
    if (error == store::errc::email_taken) return errc::email_taken;
    if (error == store::errc::overloaded) return errc::overloaded;
    if (error == store::errc::key_reused) return errc::key_reused;
    return errc::unavailable;
}

}  // namespace carillon::auth
