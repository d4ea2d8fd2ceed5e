#include "contracts/json_value.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <random>
#include <string>

#include "contracts/json_writer.hpp"

namespace carillon::contracts {
namespace {

std::string compacted(std::string_view text) {
    const auto value = parse_json(text);
    if (!value) return "refused: " + value.error().summary();
    std::string out;
    append_json(out, *value);
    return out;
}

TEST(ParseJson, KeepsOrderAndTheDigitsOfNumbers) {
    EXPECT_EQ(compacted(R"( { "b" : 19.99 , "a" : [ 1.0 , -0, 1e400, 12345678901234567890123 ,true,null, {} ,[] ] } )"),
              R"({"b":19.99,"a":[1.0,-0,1e400,12345678901234567890123,true,null,{},[]]})");
}

TEST(ParseJson, ReadsEscapesAndWritesAsFewAsItCan) {
    EXPECT_EQ(compacted(R"("\u0041\/\u00e9\ud83d\udd14\n\u0001\u0000\"\\")"),
              "\"A/\xC3\xA9\xF0\x9F\x94\x94\\n\\u0001\\u0000\\\"\\\\\"");
}

TEST(ParseJson, RefusesWhatIsNoIJson) {
    for (const std::string text : {"",
                                   " ",
                                   "{",
                                   "[1,]",
                                   "{\"a\":1,}",
                                   "{a:1}",
                                   "'a'",
                                   "01",
                                   "1.",
                                   ".5",
                                   "+1",
                                   "NaN",
                                   "Infinity",
                                   "tru",
                                   "1 2",
                                   "{} x",
                                   "\"a\nb\"",
                                   "\"\\x41\"",
                                   "\"\\ud800\"",
                                   "\"\\udc00\"",
                                   "\"\\ud800\\u0041\"",
                                   "// c\n1",
                                   "/**/1",
                                   "\xEF\xBB\xBF{}",
                                   "\"\x80\"",
                                   "\"\xC0\xAF\"",
                                   "\"\xE0\x80\xAF\"",
                                   "\"\xED\xA0\x80\"",
                                   "\"\xF4\x90\x80\x80\"",
                                   "\"\xF8\x88\x80\x80\x80\"",
                                   "\"\xC3\"",
                                   "\"\xE2\x82\"",
                                   R"({"a":1,"a":2})",
                                   R"([{"x":{"a":1,"b":2,"\u0061":3}}])"}) {
        const auto value = parse_json(text);
        ASSERT_FALSE(value) << text;
        EXPECT_EQ(value.error().kind, Invalid::Kind::not_json);
        EXPECT_EQ(value.error().errors.size(), 1U);
    }
}

TEST(ParseJson, FindsANameTwiceInALargeObject) {
    std::string text = "{";
    for (int i = 0; i < 5'000; ++i) text += "\"n" + std::to_string(i) + "\":0,";
    EXPECT_TRUE(parse_json(text + "\"last\":0}"));
    EXPECT_FALSE(parse_json(text + "\"n77\":0}"));
}

TEST(ParseJson, LimitsDepthAndSize) {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_TRUE(parse_json(nested(kJsonDepthMax)));
    EXPECT_FALSE(parse_json(nested(kJsonDepthMax + 1)));
    EXPECT_FALSE(parse_json(nested(50'000)));
    EXPECT_TRUE(parse_json("[1, 2]", 6));
    EXPECT_FALSE(parse_json("[1, 2]", 5));
}

TEST(ParseJson, AgreesWithBoostOnDamagedTexts) {
    const std::string seed_text = "{\"a\":[1,-2.5e3,\"x\\u00e9\xE2\x82\xAC\",{\"b\":null}],\"c\":true}";
    constexpr std::string_view kBytes = "{}[]\",:\\ue01-+.\x80\xE2\xED\n ";
    std::mt19937_64 random{7};
    int taken = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string text = seed_text;
        for (std::size_t changes = 1 + random() % 2; changes > 0; --changes) {
            text[random() % text.size()] = kBytes[random() % kBytes.size()];
        }
        boost::json::error_code error;
        boost::json::parse(text, error);
        const auto value = parse_json(text);
        const bool twice = !value && value.error().summary().find("same name twice") != std::string::npos;
        ASSERT_EQ(value.has_value() || twice, !error) << text;
        taken += value ? 1 : 0;
    }
    EXPECT_GT(taken, 200);
}

TEST(SafeInteger, IsAnyWayToWriteOne) {
    const auto of = [](std::string_view text) { return safe_integer(*parse_json(text)); };
    EXPECT_EQ(of("0"), 0U);
    EXPECT_EQ(of("-0"), 0U);
    EXPECT_EQ(of("1.0"), 1U);
    EXPECT_EQ(of("12e2"), 1'200U);
    EXPECT_EQ(of("9007199254740991"), 9007199254740991U);
    for (const char* text : {"9007199254740992", "-1", "0.5", "1e400", "1e-400", "\"1\"", "true", "null", "[1]"}) {
        EXPECT_FALSE(of(text)) << text;
    }
}

TEST(IsPortable, RefusesWhatOtherSystemsCannotHold) {
    const auto portable = [](std::string_view text) { return is_portable(*parse_json(text)); };
    EXPECT_TRUE(portable(R"({"a":["\u0001",1e308,null,true,{"b":-1}]})"));
    EXPECT_FALSE(portable(R"({"a":[{"b":"x\u0000"}]})"));
    EXPECT_FALSE(portable(R"({"a\u0000":1})"));
    EXPECT_FALSE(portable(R"([1e400])"));
}

TEST(JsonWriter, WritesValidUtf8WhateverItGets) {
    const auto quoted = [](std::string_view text) {
        std::string out;
        append_json_string(out, text);
        return out;
    };
    EXPECT_EQ(quoted(""), "\"\"");
    EXPECT_EQ(quoted("a\"b\\c\b\f\n\r\t\x1f\x7f"), "\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u001f\x7f\"");
    EXPECT_EQ(quoted("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x94\x94"), "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x94\x94\"");
    EXPECT_EQ(quoted("a\x80z"), "\"a\xEF\xBF\xBDz\"");
    EXPECT_EQ(quoted("\xE2\x82"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    std::mt19937_64 random{11};
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        for (std::size_t n = random() % 9; n > 0; --n) text.push_back(static_cast<char>(random()));
        ASSERT_TRUE(parse_json(quoted(text)));
    }
}

TEST(JsonWriter, WritesTimesAsBaseDoes) {
    using namespace std::chrono_literals;
    for (const char* text : {"2026-11-23T08:17:13.042Z", "1969-12-31T23:59:59.999Z", "0000-01-01T00:00:00.000Z",
                             "9999-12-31T23:59:59.999Z", "2024-02-29T00:00:00.100Z"}) {
        std::string out;
        append_time(out, *base::parse_iso8601(text));
        EXPECT_EQ(out, "\"" + std::string{text} + "\"");
    }
    std::string out;
    append_time(out, *base::parse_iso8601("9999-12-31T23:59:59.999Z") + 1ms);
    EXPECT_EQ(out, "\"" + base::to_iso8601(*base::parse_iso8601("9999-12-31T23:59:59.999Z") + 1ms) + "\"");
}

}  // namespace
}  // namespace carillon::contracts
