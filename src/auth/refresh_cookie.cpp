#include "auth/refresh_cookie.hpp"

#include <algorithm>

#include "auth/auth_routes.hpp"

namespace carillon::auth {
namespace {

constexpr std::size_t kPairsMax = 100;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

void set_cookie(http::Response& response, std::string_view value, std::int64_t max_age, bool secure) {
    std::string field{kRefreshCookie};
    field += '=';
    field += value;
    field += "; Path=/auth; Max-Age=" + std::to_string(max_age) + "; HttpOnly; SameSite=Strict";
    if (secure) field += "; Secure";
    response.headers.add("Set-Cookie", std::move(field));
}

}  // namespace

std::string refresh_cookie_of(const http::Request& request) {
    std::string_view rest = request.headers.get("Cookie");
    for (std::size_t pairs = 0; !rest.empty() && pairs < kPairsMax; ++pairs) {
        const auto end = rest.find(';');
        const std::string_view pair = trimmed(rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        const auto equals = pair.find('=');
        if (equals != std::string_view::npos && pair.substr(0, equals) == kRefreshCookie) {
            return std::string{pair.substr(equals + 1)};
        }
    }
    return {};
}

bool came_over_tls(const http::Request& request) {
    return request.headers.get("Origin").starts_with("https://") || request.headers.get(kClientProtoHeader) == "https";
}

void set_refresh_cookie(http::Response& response, std::string_view value, std::chrono::seconds lifetime, bool secure) {
    set_cookie(response, value, std::max<std::int64_t>(lifetime.count(), 1), secure);
}

void clear_refresh_cookie(http::Response& response, bool secure) {
    set_cookie(response, "", 0, secure);
}

}  // namespace carillon::auth
