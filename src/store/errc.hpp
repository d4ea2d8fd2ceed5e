#pragma once

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace carillon::store {

enum class errc {
    not_found = 1,     ///< no such row, or another user's
    email_taken,       ///< a user with that address exists
    already_applied,   ///< the consumed event, or the notification id, was applied before; nothing was changed
    overloaded,        ///< the queue in front of the store is full: try again shortly
    unavailable,       ///< the database cannot be reached, is full or read-only: nothing was changed
    not_found_before,  ///< the first call with this idempotency key found nothing, and so it stays
    key_reused,        ///< the idempotency key was used for another request
    in_flight,         ///< the first call with this idempotency key is not decided yet
};

boost::system::error_code make_error_code(errc code);

}  // namespace carillon::store

template <>
struct boost::system::is_error_code_enum<carillon::store::errc> : std::true_type {};
