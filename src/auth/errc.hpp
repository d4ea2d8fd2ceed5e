#pragma once

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace carillon::auth {

/// Why the auth service refused. `to_problem` maps each to its answer.
enum class errc {
    email_taken = 1,       ///< a user with that address exists
    weak_password,         ///< the password breaks a rule that the schema cannot say
    invalid_credentials,   ///< no such user, or not the user's password: nobody is told which
    rate_limited,          ///< too many attempts from this address, or at this account
    token_absent,          ///< the request carries no user token
    token_expired,         ///< the user's token was good once
    token_invalid,         ///< the user's token is none of ours, or was revoked
    revocation_in_future,  ///< tokens that are not issued yet cannot be revoked
    key_reused,            ///< the idempotency key was used for another request
    overloaded,            ///< too many passwords wait to be hashed, or the store is overloaded: try again shortly
    unavailable,           ///< the store cannot answer
};

boost::system::error_code make_error_code(errc code);

}  // namespace carillon::auth

template <>
struct boost::system::is_error_code_enum<carillon::auth::errc> : std::true_type {};
