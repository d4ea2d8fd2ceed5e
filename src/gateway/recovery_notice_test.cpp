#include "gateway/recovery_notice.hpp"

#include <gtest/gtest.h>

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;

TEST(RecoveryNotice, TravelsAsJson) {
    const RecoveryNotice notice{"id-of_20-characters0", {1'764'042'113'123'456, 18'446'744'073'709'551'615U}};
    EXPECT_EQ(decode_recovery_notice(encode_recovery_notice(notice)), notice);
}

TEST(RecoveryNotice, IsNotWhatStrangersWrite) {
    for (const std::string text :
         {"", "x", "[]", "{}", R"({"socketId":"a"})", R"({"socketId":"a","at":"1"})",
          R"({"socketId":"a","at":1,"number":"1"})", R"({"socketId":"","at":"1","number":"1"})",
          R"({"socketId":"a","at":"1x","number":"1"})", R"({"socketId":"a","at":"1","number":"-1"})"}) {
        EXPECT_FALSE(decode_recovery_notice(text)) << text;
    }
    EXPECT_FALSE(decode_recovery_notice(R"({"at":"1","number":"1","socketId":")" + std::string(65, 'a') + "\"}"));
    EXPECT_FALSE(decode_recovery_notice(std::string(2'000, ' ') + R"({"at":"1","number":"1","socketId":"a"})"));
}

TEST(RecoveryNotice, IsOfANewerSocketWhenItComesLongAfterOurs) {
    const Entrance ours{2'000'000, 5};
    EXPECT_TRUE(is_older(ours, 2'001ms, {"a", {1, 1}})) << "whatever their clock says";
    EXPECT_TRUE(is_older(ours, 0ms, {"a", {2'000'001, 1}}));
    EXPECT_FALSE(is_older(ours, 2'000ms, {"a", {1'999'999, 9}}));
}

TEST(RecoveryNotice, OfItselfClosesNobody) {
    EXPECT_FALSE(is_older({2, 5}, 1h, {"a", {2, 5}}));
}

TEST(RecoveryNotice, OfTwoAtOnceExactlyOneStays) {
    for (const auto& [one, two] :
         {std::pair{Entrance{5, 1}, Entrance{5, 2}}, std::pair{Entrance{5, 9}, Entrance{6, 0}}}) {
        EXPECT_NE(is_older(one, 1ms, {"a", two}), is_older(two, 1ms, {"a", one}));
    }
}

}  // namespace
}  // namespace carillon::gateway
