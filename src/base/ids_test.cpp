#include "base/ids.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/testing/fake_clock.hpp"

namespace carillon::base {
namespace {

TEST(Uuid, ParsesEitherCaseAndPrintsLower) {
    const auto uuid = Uuid::parse("0190A5F4-7C3B-7DEF-8123-456789ABCDEF");
    ASSERT_TRUE(uuid);
    EXPECT_EQ(uuid->to_string(), "0190a5f4-7c3b-7def-8123-456789abcdef");
}

TEST(Uuid, RefusesEverythingElse) {
    for (const char* text :
         {"", "0190a5f4", "0190a5f47c3b7def8123456789abcdef", "{190a5f4-7c3b-7def-8123-456789abcdef}",
          "0190a5f4-7c3b-7def-8123-456789abcdeg", "0190a5f4-7c3b-7def-8123-456789abcdef ",
          "0190a5f4_7c3b-7def-8123-456789abcdef", "0190a5f4-7c3b-7def-81234-56789abcdef"}) {
        EXPECT_FALSE(Uuid::parse(text)) << text;
    }
}

TEST(Uuid, Version7SortsInTheOrderMadeEvenWithinAMillisecond) {
    FakeClock clock;
    std::string last;
    for (int i = 0; i < 10'000; ++i) {
        const auto id = NotificationId::generate(clock).to_string();
        EXPECT_LT(last, id);
        EXPECT_EQ(id[14], '7');
        EXPECT_NE(std::string{"89ab"}.find(id[19]), std::string::npos);
        last = id;
    }
}

TEST(Version, ParsesOnlyCanonicalDecimals) {
    EXPECT_EQ(parse_version("0"), 0U);
    EXPECT_EQ(parse_version("9223372036854775807"), 9223372036854775807U);
    for (const char* text : {"", "-1", "+1", "01", "1.0", "1e3", " 1", "9223372036854775808", "99999999999999999999"}) {
        EXPECT_FALSE(parse_version(text)) << text;
    }
}

}  // namespace
}  // namespace carillon::base
