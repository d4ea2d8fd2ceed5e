#include "http/errc.hpp"

#include <string>

namespace carillon::http {
namespace {

// boost::system::error_category has no virtual destructor, on purpose: categories live as long as the process.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class Category final : public boost::system::error_category {
 public:
    const char* name() const noexcept override { return "carillon.http"; }
    std::string message(int code) const override {
        switch (static_cast<errc>(code)) {
            case errc::bad_url:
                return "the URL is not http://host[:port][/path]";
            case errc::timeout:
                return "no answer in time";
            case errc::closed:
                return "the connection was closed before the answer";
            case errc::malformed_response:
                return "the answer is malformed";
            case errc::response_too_large:
                return "the answer is too large";
            case errc::overloaded:
                return "too many calls wait already";
            case errc::left_alone:
                return "every server failed a moment ago";
        }
        return "unknown";
    }
};
#pragma GCC diagnostic pop

}  // namespace

boost::system::error_code make_error_code(errc code) {
    static const Category category;
    return {static_cast<int>(code), category};
}

}  // namespace carillon::http
