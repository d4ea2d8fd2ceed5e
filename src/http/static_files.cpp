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
    bool lasting = false;  ///< its URL names its version
    bool gzip = false;     ///< its reader takes it
};

/// The weight of one element of Accept-Encoding, in thousandths: "gzip;q=0.5". A broken one counts as refused.
int weight_of(std::string_view parameters) {
    parameters = trim_blanks(parameters);
    if (parameters.empty()) return 1'000;
    if (parameters.size() < 3 || ascii_lower(parameters[0]) != 'q' || parameters[1] != '=') return 0;
    const auto number = parameters.substr(2);
    if (number.size() > 5 || (number[0] != '0' && number[0] != '1') || (number.size() > 1 && number[1] != '.'))
        return 0;
    int weight = (number[0] - '0') * 1'000;
    int place = 100;
    for (const char digit : number.substr(std::min<std::size_t>(2, number.size()))) {
        if (digit < '0' || digit > '9') return 0;
        weight += (digit - '0') * place;
        place /= 10;
    }
    return std::min(weight, 1'000);
}

bool names_content(std::string_view version, const EmbeddedFile& file) {
    constexpr std::size_t kDigitsMin = 12;
    return version.size() >= kDigitsMin && file.plain.etag.substr(1).starts_with(version);
}

loop::Task<Response> serve(EmbeddedFile file, Terms terms, std::string if_none_match) {
    Response response;
    auto& headers = response.headers;
    const bool has_gzip = !file.gzip.bytes.empty();
    const bool gzip = has_gzip && terms.gzip;
    const EmbeddedContent& content = gzip ? file.gzip : file.plain;
    headers.add("ETag", std::string{content.etag});
    // Also on the plain form: no cache may hand one to who asked for the other.
    if (has_gzip) headers.add("Vary", "Accept-Encoding");
    // Else always asked for again, and nearly always answered 304: no page mixes files of two releases.
    headers.add("Cache-Control", terms.lasting ? "public, max-age=31536000, immutable" : "no-cache");
    if (file.content_type.starts_with("text/html")) {
        // The page is for itself: no page that opened it gets hold of it.
        headers.add("Cross-Origin-Opener-Policy", "same-origin");
    } else {
        headers.add("Cross-Origin-Resource-Policy",
                    "cross-origin");  // the bell is for other pages, isolated ones (COEP) too
    }
    headers.add("Content-Security-Policy", kContentSecurityPolicy);
    headers.add("X-Content-Type-Options", "nosniff");
    headers.add("Referrer-Policy", "no-referrer");
    if (names_tag(if_none_match, content.etag)) {
        response.status = 304;
    } else {
        headers.add("Content-Type", std::string{file.content_type});
        if (gzip) headers.add("Content-Encoding", "gzip");
        response.static_body = content.bytes;
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

bool wants_gzip(std::string_view accept_encoding) {
    int gzip = -1;
    int others = -1;
    int identity = -1;
    while (!accept_encoding.empty()) {
        const auto end = std::min(accept_encoding.find(','), accept_encoding.size());
        const auto element = accept_encoding.substr(0, end);
        accept_encoding.remove_prefix(std::min(end + 1, accept_encoding.size()));
        const auto semicolon = std::min(element.find(';'), element.size());
        const auto coding = trim_blanks(element.substr(0, semicolon));
        const int weight = weight_of(element.substr(std::min(semicolon + 1, element.size())));
        if (equals_caseless(coding, "gzip") || equals_caseless(coding, "x-gzip")) {
            gzip = std::max(gzip, weight);
        } else if (coding == "*") {
            others = weight;
        } else if (equals_caseless(coding, "identity")) {
            identity = weight;
        }
    }
    if (gzip < 0) gzip = others;
    return gzip > 0 && gzip >= identity;
}

void add_static_files(Router& router, const std::vector<EmbeddedFile>& files, std::string_view version) {
    for (const auto& file : files) {
        const Handler handler = [file, version](const RoutedRequest& routed) {
            const auto& request = routed.request;
            const std::string asked = request.query_value("v").value_or("");
            const bool lasting = (!version.empty() && asked == version) || names_content(asked, file);
            const Terms terms{lasting, wants_gzip(request.headers.get("accept-encoding"))};
            return serve(file, terms, std::string{request.headers.get("if-none-match")});
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
