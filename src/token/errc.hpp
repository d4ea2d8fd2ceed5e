#pragma once

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace carillon::token {

/// Why a token was refused.
enum class errc {
    malformed = 1,      ///< not three base64url parts of JSON, or longer than 8 KB
    algorithm_refused,  ///< `alg` is none, unknown, or not the one of the key
    unknown_key,        ///< `kid` names no key of ours
    bad_signature,      ///< the signature is not the key's
    wrong_type,         ///< `typ` is not one that is accepted here
    wrong_issuer,       ///< `iss` is not the configured one
    wrong_audience,     ///< `aud` does not hold the configured one
    expired,            ///< `exp` is past
    not_yet_valid,      ///< `nbf` or `iat` lies ahead of our clock, beyond the leeway
    missing_claim,      ///< a required claim is absent or of the wrong type
    bad_subject,        ///< `sub` is no UUID
    lifetime_too_long,  ///< an internal token that lives longer than a minute
    revoked,            ///< it was good, and was taken back
};

boost::system::error_code make_error_code(errc code);

}  // namespace carillon::token

template <>
struct boost::system::is_error_code_enum<carillon::token::errc> : std::true_type {};
