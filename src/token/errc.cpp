#include "token/errc.hpp"

#include "base/error_category.hpp"

namespace carillon::token {
namespace {

const char* text_of(int code) {
    switch (static_cast<errc>(code)) {
        case errc::malformed:
            return "the token is malformed";
        case errc::algorithm_refused:
            return "the token's algorithm is not the one of the key";
        case errc::unknown_key:
            return "the token was signed with an unknown key";
        case errc::bad_signature:
            return "the token's signature is wrong";
        case errc::wrong_type:
            return "the token is of another type";
        case errc::wrong_issuer:
            return "the token is from another issuer";
        case errc::wrong_audience:
            return "the token is for another audience";
        case errc::expired:
            return "the token has expired";
        case errc::not_yet_valid:
            return "the token is not valid yet";
        case errc::missing_claim:
            return "the token lacks a claim, or one has the wrong type";
        case errc::bad_subject:
            return "the token's subject is not a user or service";
        case errc::lifetime_too_long:
            return "the internal token lives too long";
        case errc::revoked:
            return "the token was revoked";
    }
    return "unknown";
}

}  // namespace

boost::system::error_code make_error_code(errc code) {
    static const base::ErrorCategory kCategory{"carillon.token", text_of};
    return {static_cast<int>(code), kCategory};
}

}  // namespace carillon::token
