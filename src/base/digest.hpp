#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace carillon::base {

/// A SHA-256 (FIPS 180-4).
using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::string_view bytes);

}  // namespace carillon::base
