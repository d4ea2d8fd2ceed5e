#include "base/hmac.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace carillon::base {
namespace {

std::string hex(const Digest& digest) {
    std::string text;
    for (const auto byte : digest) text += fmt::format("{:02x}", byte);
    return text;
}

// Test cases 1 and 2 of RFC 4231.
TEST(Hmac, IsThatOfTheRfc) {
    EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace carillon::base
