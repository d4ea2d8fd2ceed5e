#include "token/base64url.hpp"

#include <gtest/gtest.h>

namespace carillon::token {
namespace {

TEST(Base64url, RoundTripsEveryByteAndLength) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) {
        EXPECT_EQ(base64url_decode(base64url_encode(bytes)), bytes);
        bytes.push_back(static_cast<char>(i));
    }
}

TEST(Base64url, EncodesWithoutPaddingAndWithTheUrlAlphabet) {
    EXPECT_EQ(base64url_encode(""), "");
    EXPECT_EQ(base64url_encode("f"), "Zg");
    EXPECT_EQ(base64url_encode("fo"), "Zm8");
    EXPECT_EQ(base64url_encode("foo"), "Zm9v");
    EXPECT_EQ(base64url_encode("\xfb\xff\xfe"), "-__-");
}

TEST(Base64url, RefusesEverySecondSpelling) {
    for (const char* text : {"Zg==", "Zg=", "Z", "Zm9vZ", "Zm9v\n", " Zm9v", "Zm 9v", "+//+", "Zh", "Zm9", "Zm9v."}) {
        EXPECT_FALSE(base64url_decode(text).has_value()) << text;
    }
}

}  // namespace
}  // namespace carillon::token
