#include "auth/password_rules.hpp"

#include <gtest/gtest.h>

namespace carillon::auth {
namespace {

TEST(PasswordRules, RefuseOneCharacterRepeated) {
    for (const char* weak : {"aaaaaaaa", "        ", "éééééééé", "🔔🔔🔔🔔🔔🔔🔔🔔"}) {
        EXPECT_TRUE(password_weakness(weak, "ada@example.com").has_value()) << weak;
    }
    for (const char* good : {"aaaaaaab", "baaaaaaa", "éèéèéèéè", "abababab", "éééééééa"}) {
        EXPECT_FALSE(password_weakness(good, "ada@example.com").has_value()) << good;
    }
}

TEST(PasswordRules, RefuseTheAddressInAnyCase) {
    EXPECT_TRUE(password_weakness("ada@example.com", "ada@example.com").has_value());
    EXPECT_TRUE(password_weakness("ADA@example.com", "ada@Example.com").has_value());
    EXPECT_FALSE(password_weakness("ada@example.com1", "ada@example.com").has_value());
}

}  // namespace
}  // namespace carillon::auth
