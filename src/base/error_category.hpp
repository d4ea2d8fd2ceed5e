#pragma once

#include <boost/system/error_category.hpp>
#include <string>

namespace carillon::base {

// boost::system::error_category has no virtual destructor, on purpose: categories live as long as the process.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

/// What makes a room's `errc` an `ErrorCode`: the category's name, and what each code says. Keep it in a static.
class ErrorCategory final : public boost::system::error_category {
 public:
    using Text = const char* (*)(int code);

    ErrorCategory(const char* name, Text text) : name_{name}, text_{text} {}

    const char* name() const noexcept override { return name_; }
    std::string message(int code) const override { return text_(code); }

 private:
    const char* name_;
    Text text_;
};

#pragma GCC diagnostic pop

}  // namespace carillon::base
