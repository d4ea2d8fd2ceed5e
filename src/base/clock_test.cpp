#include "base/clock.hpp"

#include <gtest/gtest.h>

#include "base/duration.hpp"
#include "base/log.hpp"

namespace carillon::base {
namespace {

using namespace std::chrono_literals;

TEST(Iso8601, RoundTrips) {
    const auto time = parse_iso8601("2026-11-23T08:17:13.042Z");
    ASSERT_TRUE(time);
    EXPECT_EQ(to_iso8601(*time), "2026-11-23T08:17:13.042Z");
}

TEST(Iso8601, TakesOffsetsAndAnyDecimals) {
    EXPECT_EQ(to_iso8601(*parse_iso8601("2026-11-23T08:17:13+07:00")), "2026-11-23T01:17:13.000Z");
    EXPECT_EQ(to_iso8601(*parse_iso8601("2026-01-01T00:00:00.9999999-00:30")), "2026-01-01T00:30:00.999Z");
}

TEST(Iso8601, RefusesWhatIsNoDate) {
    for (const char* text : {"", "2026-11-23", "2026-02-30T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T08:17:13",
                             "2026-11-23 08:17:13Z", "2026-11-23T08:17:13.Z", "2026-11-23T08:17:13Zx"}) {
        EXPECT_FALSE(parse_iso8601(text)) << text;
    }
}

TEST(Duration, ReadsTheFourUnits) {
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_EQ(parse_duration("2s"), 2s);
    EXPECT_EQ(parse_duration("10m"), 10min);
    EXPECT_EQ(parse_duration("1h"), 1h);
    for (const char* text : {"", "5", "s", "-1s", "1.5s", "1 s", "1d", "99999999999h", "1sm"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(Duration, FormatsWhatItReads) {
    for (const char* text : {"500ms", "2s", "10m", "1h", "0ms"})
        EXPECT_EQ(format_duration(*parse_duration(text)), text);
}

TEST(Log, EscapesWhatCouldForgeALine) {
    EXPECT_EQ(format_log_line(LogFormat::text, LogLevel::info, "closed", {{"reason", "a\nb \"c\""}, {"n", 3}}),
              "closed reason=\"a\\u000ab \\\"c\\\"\" n=3");
    EXPECT_EQ(format_log_line(LogFormat::json, LogLevel::warn, "closed", {{"reason", "x\"y"}}),
              R"("level":"warn","msg":"closed","reason":"x\"y")");
}

}  // namespace
}  // namespace carillon::base
