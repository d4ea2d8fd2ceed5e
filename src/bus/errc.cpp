#include "bus/errc.hpp"

#include <string>

namespace carillon::bus {
namespace {

// boost::system::error_category has no virtual destructor, on purpose: categories live as long as the process.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class Category final : public boost::system::error_category {
 public:
    const char* name() const noexcept override { return "carillon.bus"; }
    std::string message(int code) const override {
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
};
#pragma GCC diagnostic pop

}  // namespace

boost::system::error_code make_error_code(errc code) {
    static const Category kCategory;
    return {static_cast<int>(code), kCategory};
}

}  // namespace carillon::bus
