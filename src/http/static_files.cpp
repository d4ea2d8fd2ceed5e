#include "http/static_files.hpp"

#include <algorithm>
#include <array>

#include "http/ascii.hpp"

namespace carillon::http {
namespace {

constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
constexpr std::string_view kIndex = "index.html";

/// Weak comparison: a "W/" that a proxy has put in front does not matter.
bool names_tag(std::string_view if_none_match, std::string_view etag) {
    while (!if_none_match.empty()) {
        const auto end = std::min(if_none_match.find(','), if_none_match.size());
        auto tag = trim_blanks(if_none_match.substr(0, end));
        if_none_match.remove_prefix(std::min(end + 1, if_none_match.size()));
        if (tag.starts_with("W/")) tag.remove_prefix(2);
        if (tag == etag || tag == "*") return true;
    }
    return false;
}

/// How an answer may be used.
struct Terms {
    bool foreign = false;  ///< by pages of other origins, those that isolate themselves (COEP) too
    bool lasting = false;  ///< its URL names its version
};

loop::Task<Response> serve(EmbeddedFile file, Terms terms, std::string if_none_match) {
    Response response;
    auto& headers = response.headers;
    headers.add("ETag", std::string{file.etag});
    // Else always asked for again, and nearly always answered 304: no page mixes files of two releases.
    headers.add("Cache-Control", terms.lasting ? "public, max-age=31536000, immutable" : "no-cache");
    if (terms.foreign) headers.add("Cross-Origin-Resource-Policy", "cross-origin");
    headers.add("Content-Security-Policy", kContentSecurityPolicy);
    headers.add("X-Content-Type-Options", "nosniff");
    headers.add("Referrer-Policy", "no-referrer");
    if (names_tag(if_none_match, file.etag)) {
        response.status = 304;
    } else {
        headers.add("Content-Type", std::string{file.content_type});
        response.static_body = file.bytes;
    }
    co_return response;
}

}  // namespace

std::string_view content_type_of(std::string_view path) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 15> kTypes{{
        {"html", "text/html; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},
        {"json", "application/json"},
        {"map", "application/json"},
        {"svg", "image/svg+xml"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"webp", "image/webp"},
        {"ico", "image/x-icon"},
        {"woff2", "font/woff2"},
        {"txt", "text/plain; charset=utf-8"},
        {"yaml", "application/yaml"},
        {"webmanifest", "application/manifest+json"},
    }};
    const auto extension = path.substr(path.rfind('.') + 1);
    for (const auto& [name, type] : kTypes) {
        if (equals_caseless(extension, name)) return type;
    }
    return "application/octet-stream";
}

void add_static_files(Router& router, const std::vector<EmbeddedFile>& files, std::string_view version) {
    for (const auto& file : files) {
        const Handler handler = [file, version](const RoutedRequest& routed) {
            const Terms terms{!version.empty(), !version.empty() && routed.request.query_value("v") == version};
            return serve(file, terms, std::string{routed.request.headers.get("if-none-match")});
        };
        const auto add = [&](std::string_view path) {
            Route route;
            route.pattern = path;
            route.handler = handler;
            route.label = "static";
            router.add(std::move(route));
        };
        add(file.path);
        if (file.path.ends_with(std::string{"/"} + std::string{kIndex})) {
            add(file.path.substr(0, file.path.size() - kIndex.size()));
        }
    }
}

}  // namespace carillon::http
