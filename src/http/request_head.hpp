#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace carillon::http {

/// The request line and all fields, up to the empty line. Line breaks in values become spaces, so that no value can
/// begin another field. Adds Host, and Content-Length where there is a body or the method has one.
std::string request_head(Method method, std::string_view target, std::string_view authority, const Headers& headers,
                         std::size_t body_bytes);

}  // namespace carillon::http
