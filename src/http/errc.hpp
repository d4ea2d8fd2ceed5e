#pragma once

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace carillon::http {

/// Why a call of the client had no answer. What the system refuses (no route, connection refused, a name that cannot be
/// resolved) comes as the system's own error.
enum class errc {
    bad_url = 1,         ///< not `http://host[:port][/path]`
    timeout,             ///< no whole answer in time
    closed,              ///< the connection ended before a whole answer
    malformed_response,  ///< what came is no HTTP answer
    response_too_large,  ///< the head or the body of the answer passes the limit
    overloaded,          ///< too many calls wait already
    left_alone,          ///< every server failed a moment ago; nothing was sent
};

boost::system::error_code make_error_code(errc code);

}  // namespace carillon::http

template <>
struct boost::system::is_error_code_enum<carillon::http::errc> : std::true_type {};
