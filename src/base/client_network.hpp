#pragma once

#include <string>
#include <string_view>

namespace carillon::base {

/// What attempts of one client are counted under: an IPv4 address as it is (also when it is written as IPv6), an IPv6
/// address as its /64, because one subscriber has all of that. Anything else as it is.
std::string client_network(std::string_view address);

}  // namespace carillon::base
