#include "token/sealer.hpp"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

namespace carillon::token {
namespace {

const std::string kSecret(32, 's');

TEST(Sealer, OpensWhatItSealed) {
    const Sealer sealer{kSecret, "test"};
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{43}, Sealer::kPlainBytesMax}) {
        const std::string plain(size, '\0');
        const std::string sealed = sealer.seal(plain);
        EXPECT_EQ(sealed.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                  std::string::npos);
        EXPECT_EQ(sealer.open(sealed), plain);
    }
}

TEST(Sealer, OpensOnAnotherMachineWithTheSameSecret) {
    EXPECT_EQ((Sealer{kSecret, "test"}).open(Sealer{kSecret, "test"}.seal("hello")), "hello");
}

TEST(Sealer, OpensNothingOfAnotherSecretOrPurpose) {
    const std::string sealed = Sealer{kSecret, "test"}.seal("hello");
    EXPECT_FALSE((Sealer{std::string(32, 't'), "test"}).open(sealed));
    EXPECT_FALSE((Sealer{kSecret, "tesu"}).open(sealed));
}

TEST(Sealer, NoticesEveryChange) {
    const Sealer sealer{kSecret, "test"};
    const std::string sealed = sealer.seal("some text");
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        std::string changed = sealed;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(sealer.open(changed)) << i;
        EXPECT_FALSE(sealer.open(std::string_view{sealed}.substr(0, i))) << i;
    }
    for (const std::string& other : {sealed + "A", sealed + "=", std::string(2'000, 'A'), std::string{"é"}}) {
        EXPECT_FALSE(sealer.open(other));
    }
}

TEST(Sealer, NeverSealsTheSameWayTwiceAndShowsNothing) {
    const Sealer sealer{kSecret, "test"};
    std::set<std::string> seen;
    for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(seen.insert(sealer.seal("the same")).second);
}

TEST(Sealer, WantsASecret) {
    EXPECT_THROW((Sealer{std::string(31, 's'), "test"}), std::invalid_argument);
}

}  // namespace
}  // namespace carillon::token
