#include "base/client_network.hpp"

#include <gtest/gtest.h>

namespace carillon::base {
namespace {

TEST(ClientNetwork, IsTheAddressOrItsSlash64) {
    const std::pair<const char*, const char*> cases[] = {
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {"2001:DB8:1:2::1", "2001:db8:1:2::/64"},
        {"fe80::1%eth0", "fe80::/64"},
        {"::1", "::/64"},
        {"", ""},
        {"not an address", "not an address"},
    };
    for (const auto& [address, network] : cases) EXPECT_EQ(client_network(address), network) << address;
}

}  // namespace
}  // namespace carillon::base
