#include "store/idempotency.hpp"

#include <gtest/gtest.h>

namespace carillon::store {
namespace {

constexpr base::TimePoint kNow{std::chrono::milliseconds{1'795'421'833'042}};

base::NotificationId new_id() {
    return base::NotificationId{base::Uuid::generate_v7(kNow)};
}

template <class T>
T kept(const FirstAnswer& answer) {
    const auto decoded = decode_first_answer(encode_first_answer(answer));
    EXPECT_TRUE(decoded.has_value());
    return std::get<T>(decoded.value());
}

TEST(FirstAnswer, KeepsTheIdsOfACreation) {
    for (const std::size_t count : {0U, 1U, 1'000U}) {
        CreatedIds created;
        for (std::size_t i = 0; i < count; ++i) created.ids.push_back(new_id());
        EXPECT_EQ(kept<CreatedIds>(created).ids, created.ids);
    }
}

TEST(FirstAnswer, KeepsARead) {
    const MarkedRead read{new_id(), kNow, {7, 12}, true, false};
    const auto again = kept<MarkedRead>(read);
    EXPECT_EQ(again.id, read.id);
    EXPECT_EQ(again.read_at, kNow);
    EXPECT_EQ(again.state.unread, 7U);
    EXPECT_EQ(again.state.version, 12U);
    EXPECT_TRUE(again.replayed);
    EXPECT_FALSE(again.changed);
}

TEST(FirstAnswer, KeepsAReadAll) {
    const auto again = kept<ReadAll>(ReadAll{3, {1, 9}, false});
    EXPECT_EQ(again.updated, 3U);
    EXPECT_EQ(again.state.unread, 1U);
    EXPECT_EQ(again.state.version, 9U);
    EXPECT_TRUE(again.replayed);
}

TEST(FirstAnswer, KeepsThatNothingWasFound) {
    kept<NothingFound>(NothingFound{});
    EXPECT_EQ(encode_first_answer(NothingFound{}), R"({"notFound":true})");
}

TEST(FirstAnswer, IsNothingElse) {
    for (const char* text : {"", "{}", "null", R"({"created":["x"]})", R"({"created":["0199c1f0-0000-7000-8000"]})",
                             R"({"notificationId":7})", R"({"updated":-1})", R"({"created":[)"}) {
        EXPECT_EQ(decode_first_answer(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace carillon::store
