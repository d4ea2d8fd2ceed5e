#include "auth/errc.hpp"

#include <string>

namespace carillon::auth {
namespace {

// boost::system::error_category has no virtual destructor, on purpose: categories live as long as the process.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class Category final : public boost::system::error_category {
 public:
    const char* name() const noexcept override { return "carillon.auth"; }
    std::string message(int code) const override {
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
            case errc::overloaded:
                return "the auth service is overloaded";
            case errc::unavailable:
                return "the auth service cannot reach its store";
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

}  // namespace carillon::auth
