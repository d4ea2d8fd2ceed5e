#include "base/client_network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace carillon::base {

std::string client_network(std::string_view address) {
    constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    const std::string text{address.substr(0, address.find('%'))};  // without the zone of a link-local address
    std::array<std::uint8_t, 16> bytes{};
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return std::string{address};
    std::array<char, INET6_ADDRSTRLEN> out{};
    if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin())) {
        inet_ntop(AF_INET, bytes.data() + kMappedPrefix.size(), out.data(), out.size());
        return out.data();
    }
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    inet_ntop(AF_INET6, bytes.data(), out.data(), out.size());
    return std::string{out.data()} + "/64";
}

}  // namespace carillon::base
