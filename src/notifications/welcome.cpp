#include "notifications/welcome.hpp"

#include <string_view>

namespace carillon::notifications {
namespace {

constexpr std::string_view kText =
    "good to have you here. This is your bell: what matters to you rings here at once, in every tab and on every "
    "device.";

/// The name without blanks around it, at most as long as our own sign-up takes. Names from elsewhere may be longer.
std::string_view presentable(std::string_view name) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const auto first = name.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    name = name.substr(first, name.find_last_not_of(kBlanks) - first + 1);
    std::size_t chars = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const bool begins_char = (static_cast<unsigned char>(name[i]) & 0xC0U) != 0x80U;  // UTF-8, RFC 3629
        if (begins_char && ++chars > contracts::kUserNameCharsMax) return name.substr(0, i);
    }
    return name;
}

}  // namespace

contracts::CreateNotification welcome_for(const contracts::UserRegistered& user) {
    const auto name = presentable(user.name ? std::string_view{*user.name} : std::string_view{});
    contracts::CreateNotification welcome;
    welcome.user_id = user.user_id;
    welcome.type = "welcome";
    welcome.title = "Welcome to Carillon";
    welcome.body = name.empty() ? "Hello, " : "Hello " + std::string{name} + ", ";
    *welcome.body += kText;
    return welcome;
}

}  // namespace carillon::notifications
