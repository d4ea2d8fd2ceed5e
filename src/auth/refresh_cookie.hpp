#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

/// The cookie that a browser refreshes its token by (RFC 6265): HttpOnly, SameSite=Strict, sent to /auth only, and
/// Secure when the page came over TLS.
namespace carillon::auth {

inline constexpr std::string_view kRefreshCookie = "carillon_refresh";

/// Its value; empty when the request has none.
std::string refresh_cookie_of(const http::Request& request);

/// Whether the client reached us over TLS, by what its browser or a trusted proxy in front says. Nothing is gained by a lie: it only
/// decides whether the liar's own cookie is Secure.
bool came_over_tls(const http::Request& request);

void set_refresh_cookie(http::Response& response, std::string_view value, std::chrono::seconds lifetime, bool secure);
void clear_refresh_cookie(http::Response& response, bool secure);

}  // namespace carillon::auth
