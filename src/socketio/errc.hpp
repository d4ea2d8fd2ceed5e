#pragma once

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace carillon::socketio {

/// Why bytes from a client were refused.
enum class errc {
    packet_invalid = 1,   ///< not a packet of the protocol: unknown type, wrong payload for its type, reserved name
    json_invalid,         ///< the payload is not JSON (RFC 8259), or not valid UTF-8
    json_too_deep,        ///< the payload nests deeper than `kJsonDepthMax`
    too_many,             ///< more arguments, attachments, digits or bytes than allowed
    placeholder_invalid,  ///< a placeholder does not name one of the packet's attachments
    base64_invalid,       ///< a binary packet is not base64 (RFC 4648 section 4)
};

boost::system::error_code make_error_code(errc code);

}  // namespace carillon::socketio

template <>
struct boost::system::is_error_code_enum<carillon::socketio::errc> : std::true_type {};
