#include "loadtest/payload_text.hpp"

#include <gtest/gtest.h>

namespace carillon::loadtest {
namespace {

TEST(PayloadText, TakesAnEventApart) {
    const auto event = split_event(R"(["notification:new",{"a":[1,2]},"offset"])");
    EXPECT_EQ(event.name, "notification:new");
    EXPECT_EQ(event.arguments, R"({"a":[1,2]},"offset")");
    EXPECT_EQ(split_event(R"([ "x" , 1 ])").name, "x");
    EXPECT_EQ(split_event(R"([ "x" , 1 ])").arguments, "1 ");
    EXPECT_EQ(split_event(R"(["alone"])").name, "alone");
    EXPECT_EQ(split_event(R"(["alone"])").arguments, "");
}

TEST(PayloadText, IsNotConfusedByWhatIsNoEvent) {
    for (const char* text : {"", "[", "[]", "{}", "[1]", "[\"open", "\"x\""}) {
        EXPECT_EQ(split_event(text).name, "") << text;
    }
    EXPECT_EQ(inside_array("[1,2]"), "1,2");
    EXPECT_EQ(inside_array("1,2]"), "");
}

TEST(PayloadText, FindsFields) {
    constexpr std::string_view kJson =
        R"({"title":"a \"version\": b","ver":"9","version" : "12","unreadCount": 7,"ok":false,"end":true})";
    EXPECT_EQ(text_field(kJson, "version"), "12");
    EXPECT_EQ(number_field(kJson, "version"), 12U);
    EXPECT_EQ(number_field(kJson, "unreadCount"), 7U);
    EXPECT_EQ(text_field(kJson, "ok"), "false");
    EXPECT_EQ(text_field(kJson, "end"), "true");
    EXPECT_EQ(text_field(kJson, "title"), R"(a \"version\": b)");
    EXPECT_EQ(text_field(kJson, "none"), "");
    EXPECT_EQ(number_field(kJson, "title"), 0U);
    EXPECT_EQ(text_field(R"({"open":"never ends)", "open"), "never ends");
    EXPECT_EQ(text_field(R"({"open":"ends in \)", "open"), "ends in \\");
}

}  // namespace
}  // namespace carillon::loadtest
