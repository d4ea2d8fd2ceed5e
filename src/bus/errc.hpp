#pragma once

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace carillon::bus {

enum class errc {
    unavailable = 1,  ///< the bus cannot be reached, or did not acknowledge in time: publish again
    overloaded,       ///< too many messages wait for acknowledgement: publish again later
    closed,           ///< the bus was stopped
};

boost::system::error_code make_error_code(errc code);

}  // namespace carillon::bus

template <>
struct boost::system::is_error_code_enum<carillon::bus::errc> : std::true_type {};
