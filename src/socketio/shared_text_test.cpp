#include "socketio/shared_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace carillon::socketio {
namespace {

TEST(SharedText, IsHeldByAsManyAsLike) {
    SharedText none;
    EXPECT_FALSE(none);
    EXPECT_EQ(none.view(), "");
    SharedText first{"hello"};
    const char* const bytes = first.view().data();
    SharedText second = first;
    first = none;
    EXPECT_EQ(second.view(), "hello");
    EXPECT_EQ(second.view().data(), bytes) << "it is not copied";
    none = std::move(second);
    none = *&none;
    EXPECT_EQ(none.view(), "hello");
    EXPECT_TRUE(SharedText{""}) << "nothing to say is not nothing";
}

TEST(SharedText, MayBeLetGoOnAnyThread) {
    std::vector<std::thread> threads;
    for (int round = 0; round < 50; ++round) {
        SharedText text{std::string(300, 'x')};
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([text] {
                const SharedText copy = text;
                EXPECT_EQ(copy.size(), 300U);
            });
        }
    }
    for (auto& thread : threads) thread.join();
}

TEST(TextBuilder, GrowsWhenItMust) {
    for (const std::size_t room : {0U, 1U, 7U, 100U}) {
        TextBuilder builder{room};
        std::string expected;
        for (int i = 0; i < 30; ++i) {
            builder += std::to_string(i);
            builder.push_back(',');
            expected += std::to_string(i) + ',';
        }
        EXPECT_EQ(builder.view(), expected);
        EXPECT_EQ(builder.finish().view(), expected);
    }
    const TextBuilder unused{10};
}

}  // namespace
}  // namespace carillon::socketio
