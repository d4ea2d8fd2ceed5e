#include "http/cors.hpp"

#include <algorithm>

#include "http/ascii.hpp"

namespace carillon::http {
namespace {

constexpr const char* kMethods = "GET,HEAD,PUT,PATCH,POST,DELETE";
constexpr const char* kMaxAgeSeconds = "600";
constexpr const char* kExposed =
    "Idempotency-Replayed, Location, RateLimit, RateLimit-Limit, RateLimit-Policy, RateLimit-Remaining, "
    "RateLimit-Reset, Retry-After";

bool is_own(std::string_view origin, std::string_view host) {
    const auto colon = origin.find("://");
    return colon != std::string_view::npos && !host.empty() && equals_caseless(origin.substr(colon + 3), host);
}

}  // namespace

CorsPolicy::CorsPolicy(std::vector<std::string> origins) : origins_{std::move(origins)} {
    any_ = std::find(origins_.begin(), origins_.end(), "*") != origins_.end();
}

bool CorsPolicy::allows(std::string_view origin) const {
    return any_ || std::find(origins_.begin(), origins_.end(), origin) != origins_.end();
}

bool CorsPolicy::is_foreign(const Request& request) const {
    if (!enabled() || !request.headers.has("origin")) return false;
    const auto origin = request.headers.get("origin");
    return !allows(origin) && !is_own(origin, request.headers.get("host"));
}

bool CorsPolicy::is_preflight(const Request& request) const {
    return enabled() && request.method == Method::options && request.headers.has("access-control-request-method") &&
           request.headers.has("origin") && allows(request.headers.get("origin"));
}

Response CorsPolicy::preflight_response(const Request& request) const {
    Response response;
    response.status = 204;
    response.headers.add("Access-Control-Allow-Methods", kMethods);
    if (const auto asked = request.headers.get("access-control-request-headers"); !asked.empty()) {
        response.headers.add("Access-Control-Allow-Headers", std::string{asked});
    }
    response.headers.add("Vary", "Access-Control-Request-Headers");
    response.headers.add("Access-Control-Max-Age", kMaxAgeSeconds);
    return response;
}

void CorsPolicy::mark(const Request& request, Response& response) const {
    if (!enabled()) return;
    if (any_) {
        response.headers.set("Access-Control-Allow-Origin", "*");
    } else {
        // Always, so that no cache hands one origin's answer to another.
        response.headers.add("Vary", "Origin");
        const auto origin = request.headers.get("origin");
        if (origin.empty() || !allows(origin)) return;
        response.headers.set("Access-Control-Allow-Origin", std::string{origin});
        response.headers.set("Access-Control-Allow-Credentials", "true");
    }
    response.headers.set("Access-Control-Expose-Headers", kExposed);
}

}  // namespace carillon::http
