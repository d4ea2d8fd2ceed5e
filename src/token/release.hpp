#pragma once

namespace carillon::token {

/// Gives an OpenSSL object back: `std::unique_ptr<EVP_PKEY, Release<&EVP_PKEY_free>>`.
template <auto Free>
struct Release {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};

}  // namespace carillon::token
