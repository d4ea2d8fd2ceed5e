#include "socketio/errc.hpp"

#include "base/error_category.hpp"

namespace carillon::socketio {
namespace {

const char* text_of(int code) {
    switch (static_cast<errc>(code)) {
        case errc::packet_invalid:
            return "not a packet of the protocol";
        case errc::json_invalid:
            return "the payload is not valid JSON";
        case errc::json_too_deep:
            return "the payload nests too deep";
        case errc::too_many:
            return "the packet holds more than is allowed";
        case errc::placeholder_invalid:
            return "a placeholder names no attachment";
        case errc::base64_invalid:
            return "a binary packet is not base64";
    }
    return "unknown";
}

}  // namespace

boost::system::error_code make_error_code(errc code) {
    static const base::ErrorCategory kCategory{"carillon.socketio", text_of};
    return {static_cast<int>(code), kCategory};
}

}  // namespace carillon::socketio
