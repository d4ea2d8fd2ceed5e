#include "socketio/errc.hpp"

#include <string>

namespace carillon::socketio {
namespace {

// boost::system::error_category has no virtual destructor, on purpose: categories live as long as the process.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class Category final : public boost::system::error_category {
 public:
    const char* name() const noexcept override { return "carillon.socketio"; }
    std::string message(int code) const override {
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
};
#pragma GCC diagnostic pop

}  // namespace

boost::system::error_code make_error_code(errc code) {
    static const Category kCategory;
    return {static_cast<int>(code), kCategory};
}

}  // namespace carillon::socketio
