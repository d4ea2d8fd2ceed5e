#include "notifications/list_cursor.hpp"

#include <gtest/gtest.h>

namespace carillon::notifications {
namespace {

using store::StatusFilter;

const base::UserId kUser = *base::UserId::parse("6f1c0a52-6d0e-4f0e-9a34-4a1f0f6f5a01");
const base::UserId kOther = *base::UserId::parse("6f1c0a52-6d0e-4f0e-9a34-4a1f0f6f5a02");

TEST(ListCursor, ComesBackAsItWas) {
    for (const auto status : {StatusFilter::all, StatusFilter::unread, StatusFilter::read}) {
        for (const base::Version before : {base::Version{1}, base::Version{255}, base::Version{(1ULL << 63) - 1}}) {
            const ListCursor cursor{status, before};
            const auto text = encode_cursor(cursor, kUser);
            EXPECT_EQ(text.size(), 19u);
            EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                      std::string::npos);
            EXPECT_EQ(decode_cursor(text, kUser), cursor);
        }
    }
}

TEST(ListCursor, EveryChangedCharacterIsNoticed) {
    const auto good = encode_cursor({StatusFilter::unread, 4711}, kUser);
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (const char other : {'A', 'B', 'x', '7', '_', '=', '+', ' ', '\0'}) {
            if (good[i] == other) continue;
            auto bad = good;
            bad[i] = other;
            EXPECT_FALSE(decode_cursor(bad, kUser)) << bad;
        }
    }
}

TEST(ListCursor, RefusesWhatItDidNotMake) {
    const auto good = encode_cursor({StatusFilter::all, 1}, kUser);
    for (const auto& bad : {std::string{}, std::string{"1"}, std::string{"garbage"}, good + "A", good + "=",
                            good.substr(1), std::string(19, 'A'), std::string(19, '_')}) {
        EXPECT_FALSE(decode_cursor(bad, kUser)) << bad;
    }
}

TEST(ListCursor, BelongsToOneUser) {
    EXPECT_FALSE(decode_cursor(encode_cursor({StatusFilter::all, 9}, kUser), kOther));
}

}  // namespace
}  // namespace carillon::notifications
