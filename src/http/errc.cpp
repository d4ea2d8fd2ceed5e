#include "http/errc.hpp"

#include "base/error_category.hpp"

namespace carillon::http {
namespace {

const char* text_of(int code) {
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

}  // namespace

boost::system::error_code make_error_code(errc code) {
    static const base::ErrorCategory kCategory{"carillon.http", text_of};
    return {static_cast<int>(code), kCategory};
}

}  // namespace carillon::http
