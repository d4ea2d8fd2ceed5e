#pragma once

#include <stdexcept>

namespace carillon::store {

/// The database cannot be used at all: thrown while it is opened or migrated, never later. `what()` is one line for the
/// operator: what is wrong, with which file, and what to do.
class OpenError : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

}  // namespace carillon::store
