#pragma once

#include <string_view>

#include "base/digest.hpp"

namespace carillon::base {

/// HMAC with SHA-256 (RFC 2104).
Digest hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace carillon::base
