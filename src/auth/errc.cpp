#include "auth/errc.hpp"

#include "base/error_category.hpp"

namespace carillon::auth {
namespace {

const char* text_of(int code) {
    switch (static_cast<errc>(code)) {
        case errc::email_taken:
            return "the e-mail address is taken";
        case errc::weak_password:
            return "the password is too weak";
        case errc::invalid_credentials:
            return "the e-mail address or the password is wrong";
        case errc::rate_limited:
            return "too many attempts";
        case errc::token_absent:
            return "there is no user token";
        case errc::token_expired:
            return "the user token has expired";
        case errc::token_invalid:
            return "the user token is invalid";
        case errc::revocation_in_future:
            return "tokens that are not issued yet cannot be revoked";
        case errc::key_reused:
            return "the idempotency key was used for another request";
        case errc::overloaded:
            return "the auth service is overloaded";
        case errc::unavailable:
            return "the auth service cannot reach its store";
    }
    return "unknown";
}

}  // namespace

boost::system::error_code make_error_code(errc code) {
    static const base::ErrorCategory kCategory{"carillon.auth", text_of};
    return {static_cast<int>(code), kCategory};
}

}  // namespace carillon::auth
