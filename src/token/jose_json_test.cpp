#include "token/jose_json.hpp"

#include <gtest/gtest.h>

namespace carillon::token {
namespace {

TEST(JoseJson, ReadsTheValuesThatTokensUse) {
    const auto object = parse_jose_object(
        R"({"a":"x\u00e9","n":12,"d":1.5,"big":18446744073709551615,"l":["p","q"],"mixed":["p",1],"nested":[["p"]],"o":{"a":1},"t":true,"z":null})");
    ASSERT_TRUE(object.has_value());
    EXPECT_EQ(*object->text("a"), "x\xc3\xa9");
    EXPECT_EQ(std::get<std::int64_t>(*object->find("n")), 12);
    EXPECT_EQ(std::get<double>(*object->find("d")), 1.5);
    EXPECT_EQ(std::get<Texts>(*object->find("l")), (Texts{"p", "q"}));
    for (const char* name : {"mixed", "nested", "o", "t", "z"}) {
        ASSERT_TRUE(object->has(name)) << name;
        EXPECT_TRUE(std::holds_alternative<Other>(*object->find(name))) << name;
    }
    EXPECT_FALSE(object->has("absent"));
    EXPECT_EQ(object->text("n"), nullptr);
}

TEST(JoseJson, RefusesWhatIsNoStrictObject) {
    const std::string deep = "{\"a\":" + std::string(20, '[') + std::string(20, ']') + "}";
    std::string wide = "{";
    for (int i = 0; i < 200; ++i) wide += "\"" + std::to_string(i) + "\":0,";
    wide.back() = '}';
    const std::vector<std::string> refused{"",
                                           "[]",
                                           "\"a\"",
                                           "1",
                                           "null",
                                           "{",
                                           R"({"a":1}x)",
                                           R"({"a":1}{"b":2})",
                                           R"({"a":1,})",
                                           R"({'a':1})",
                                           R"({"a":1 /* no */})",
                                           R"({"a":NaN})",
                                           R"({"a":01})",
                                           "{\"a\":\"\xff\"}",
                                           "{\"a\":\"\x01\"}",
                                           R"({"a":"\ud800"})",
                                           "\xef\xbb\xbf{}",
                                           deep,
                                           wide};
    for (const auto& text : refused) EXPECT_FALSE(parse_jose_object(text).has_value()) << text;
}

TEST(JoseJson, RefusesANameThatComesTwice) {
    for (const char* text : {R"({"a":1,"a":1})", R"({"alg":"HS256","\u0061lg":"none"})", R"({"o":{"b":1,"b":2}})",
                             R"({"l":[{"b":1,"b":2}]})"}) {
        EXPECT_FALSE(parse_jose_object(text).has_value()) << text;
    }
    EXPECT_TRUE(parse_jose_object(R"({"a":{"b":1},"b":{"b":1}, "A": 2} )").has_value());
}

TEST(JoseJson, ReadsTimesInSecondsWithinTheYearsThatExist) {
    using std::chrono::milliseconds;
    EXPECT_EQ(numeric_date(JoseValue{std::int64_t{1}}), base::TimePoint{milliseconds{1'000}});
    EXPECT_EQ(numeric_date(JoseValue{1.5}), base::TimePoint{milliseconds{1'500}});
    EXPECT_FALSE(numeric_date(JoseValue{std::int64_t{-1}}).has_value());
    EXPECT_FALSE(numeric_date(JoseValue{1e300}).has_value());
    EXPECT_FALSE(numeric_date(JoseValue{std::string{"1"}}).has_value());
    EXPECT_FALSE(numeric_date(JoseValue{}).has_value());
}

TEST(JoseJson, EscapesWhatItWrites) {
    TokenClaims claims;
    claims.issuer = "a\"b\\c";
    claims.subject = "s";
    const std::vector<std::string> permissions{"p\n"};
    claims.permissions = &permissions;
    const auto back = parse_jose_object(encode_token_claims(claims));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(*back->text("iss"), "a\"b\\c");
    EXPECT_EQ(std::get<Texts>(*back->find("permissions")), permissions);
    EXPECT_FALSE(back->has("jti"));
}

}  // namespace
}  // namespace carillon::token
