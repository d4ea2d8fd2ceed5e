#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace carillon::base {

using ErrorCode = boost::system::error_code;

/// A value, or a named reason why there is none. Every room has an `errc.hpp` with its reasons; they are mapped once,
/// at each edge. Exceptions are for start-up and programmer errors only.
template <class T, class E = ErrorCode>
using Result = boost::system::result<T, E>;

}  // namespace carillon::base

/// Leaves the enclosing function with the error of `expression`, if it has one. For `Result` with the same error type.
#define CARILLON_TRY(expression)                                 \
    do {                                                         \
        if (auto carillon_try_ = (expression); !carillon_try_) { \
            return carillon_try_.error();                        \
        }                                                        \
    } while (false)
