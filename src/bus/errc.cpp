#include "bus/errc.hpp"

#include "base/error_category.hpp"

namespace carillon::bus {
namespace {

const char* text_of(int code) {
    switch (static_cast<errc>(code)) {
        case errc::unavailable:
            return "the bus is not available";
        case errc::overloaded:
            return "the bus is overloaded";
        case errc::closed:
            return "the bus was stopped";
    }
    return "unknown";
}

}  // namespace

boost::system::error_code make_error_code(errc code) {
    static const base::ErrorCategory kCategory{"carillon.bus", text_of};
    return {static_cast<int>(code), kCategory};
}

}  // namespace carillon::bus
