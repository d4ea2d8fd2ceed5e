#include "http/response_head.hpp"

#include <array>

#include "http/ascii.hpp"

namespace carillon::http {
namespace {

struct Narrowing {
    std::string_view name;
    std::string_view value;
};

/// What a browser may do with an answer, unless the answer says otherwise: read it as what it is, for pages of this
/// origin (or one that CORS allows), and neither run nor frame it. HTTP clients are told nothing by it.
constexpr std::array<Narrowing, 4> kNarrowing{
    {{"X-Content-Type-Options", "nosniff"},
     {"Referrer-Policy", "no-referrer"},
     {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
     {"Cross-Origin-Resource-Policy", "same-origin"}}};

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    for (char c : value) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
    out += "\r\n";
}

bool has_no_body(int status) {
    return status == 204 || status == 304 || status < 200;
}

std::string_view body_of(const Response& response) {
    return response.static_body.empty() ? std::string_view{response.body} : response.static_body;
}

}  // namespace

std::string_view reason_phrase(int status) {
    switch (status) {
        case 101:
            return "Switching Protocols";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return {};
    }
}

std::string response_head(const Response& response, const ResponseFraming& framing) {
    std::string out;
    out.reserve(640);
    out += "HTTP/1.1 ";
    out += std::to_string(response.status);
    out += ' ';
    out += reason_phrase(response.status);
    out += "\r\n";
    std::array<bool, kNarrowing.size()> said{};
    for (const auto& [name, value] : response.headers.all()) {
        // The framing is the connection's business.
        if (equals_caseless(name, "content-length") || equals_caseless(name, "connection") ||
            equals_caseless(name, "transfer-encoding")) {
            continue;
        }
        for (std::size_t i = 0; i < said.size(); ++i) said[i] = said[i] || equals_caseless(name, kNarrowing[i].name);
        append_field(out, name, value);
    }
    for (std::size_t i = 0; i < said.size(); ++i) {
        if (!said[i]) append_field(out, kNarrowing[i].name, kNarrowing[i].value);
    }
    if (!framing.date.empty()) append_field(out, "Date", framing.date);
    if (!has_no_body(response.status)) append_field(out, "Content-Length", std::to_string(body_of(response).size()));
    if (!framing.keep_alive) {
        out += "Connection: close\r\n";
    } else if (framing.http_1_0) {
        out += "Connection: keep-alive\r\n";
    }
    out += "\r\n";
    return out;
}

std::string_view response_body(const Response& response, const ResponseFraming& framing) {
    return framing.head_only || has_no_body(response.status) ? std::string_view{} : body_of(response);
}

}  // namespace carillon::http
