#include "socketio/sid_codec.hpp"

#include <gtest/gtest.h>

namespace carillon::socketio {
namespace {

TEST(SidCodec, NamesNodeAndShardToEverybodyWithTheKey) {
    const SidCodec one{"node-one", "the key"};
    const SidCodec two{"node-two", "the key"};
    for (const std::uint16_t shard : {0, 1, 63, 64, 4095}) {
        const auto owner = two.owner_of(one.make(shard));
        ASSERT_TRUE(owner);
        EXPECT_EQ(owner->node, "node-one");
        EXPECT_EQ(owner->shard, shard);
    }
    EXPECT_NE(one.make(0), one.make(0));
    EXPECT_EQ(one.make(0).size(), SidCodec::kSidLength);
    EXPECT_EQ(one.make(0).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
}

TEST(SidCodec, TakesNoIdThatAnotherKeyMadeOrThatWasChanged) {
    const SidCodec one{"node-one", "the key"};
    EXPECT_FALSE(SidCodec("node-one", "another key").owner_of(one.make(0)));
    const std::string sid = one.make(7);
    for (std::size_t i = 0; i < sid.size(); ++i) {
        std::string changed = sid;
        changed[i] = changed[i] == 'x' ? 'y' : 'x';
        EXPECT_FALSE(one.owner_of(changed)) << i;
    }
    EXPECT_FALSE(one.owner_of(sid.substr(1)));
    EXPECT_FALSE(one.owner_of(sid + "A"));
    EXPECT_FALSE(one.owner_of(""));
    EXPECT_FALSE(one.owner_of(std::string(SidCodec::kSidLength, '!')));
}

TEST(SidCodec, AloneKnowsItsOwnOnly) {
    const SidCodec one;
    const SidCodec two;
    EXPECT_NE(one.node(), two.node());
    EXPECT_EQ(one.node().size(), SidCodec::kNodeLength);
    EXPECT_TRUE(one.owner_of(one.make(3)));
    EXPECT_FALSE(two.owner_of(one.make(3)));
}

}  // namespace
}  // namespace carillon::socketio
