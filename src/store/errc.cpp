#include "store/errc.hpp"

#include "base/error_category.hpp"

namespace carillon::store {
namespace {

const char* text_of(int code) {
    switch (static_cast<errc>(code)) {
        case errc::not_found:
            return "not found";
        case errc::email_taken:
            return "the email address is taken";
        case errc::already_applied:
            return "already applied";
        case errc::overloaded:
            return "the store is overloaded";
        case errc::unavailable:
            return "the database is not available";
        case errc::not_found_before:
            return "not found, as the first time";
        case errc::key_reused:
            return "the idempotency key was used for another request";
        case errc::in_flight:
            return "the first call with the idempotency key is under way";
    }
    return "unknown";
}

}  // namespace

boost::system::error_code make_error_code(errc code) {
    static const base::ErrorCategory kCategory{"carillon.store", text_of};
    return {static_cast<int>(code), kCategory};
}

}  // namespace carillon::store
