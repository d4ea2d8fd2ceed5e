#include "store/errc.hpp"

#include <string>

namespace carillon::store {
namespace {

// boost::system::error_category has no virtual destructor, on purpose: categories live as long as the process.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class Category final : public boost::system::error_category {
 public:
    const char* name() const noexcept override { return "carillon.store"; }
    std::string message(int code) const override {
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
};
#pragma GCC diagnostic pop

}  // namespace

boost::system::error_code make_error_code(errc code) {
    static const Category kCategory;
    return {static_cast<int>(code), kCategory};
}

}  // namespace carillon::store
