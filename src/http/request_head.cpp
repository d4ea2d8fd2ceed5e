#include "http/request_head.hpp"

#include <algorithm>
#include <iterator>

namespace carillon::http {

std::string request_head(Method method, std::string_view target, std::string_view authority, const Headers& headers,
                         std::size_t body_bytes) {
    std::string out;
    out.reserve(512 + body_bytes);
    out += method_name(method);
    out += ' ';
    out += target;
    out += " HTTP/1.1\r\nHost: ";
    out += authority;
    out += "\r\n";
    for (const auto& [name, value] : headers.all()) {
        out += name;
        out += ": ";
        std::replace_copy_if(
            value.begin(), value.end(), std::back_inserter(out), [](char c) { return c == '\r' || c == '\n'; }, ' ');
        out += "\r\n";
    }
    if (body_bytes > 0 || method == Method::post || method == Method::put || method == Method::patch) {
        out += "Content-Length: " + std::to_string(body_bytes) + "\r\n";
    }
    out += "\r\n";
    return out;
}

}  // namespace carillon::http
