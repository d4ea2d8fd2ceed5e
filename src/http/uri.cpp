#include "http/uri.hpp"

#include <algorithm>

#include "http/ascii.hpp"

namespace carillon::http {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7F;
    });
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_value(text[i + 1]);
            const int low = hex_value(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        } else {
            out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
        }
    }
    return out;
}

std::string decode_value(std::string_view value) {
    return percent_decode(value, true).value_or(std::string{value});
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
    std::vector<std::pair<std::string, std::string>> out;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto parameter = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (parameter.empty()) continue;
        const auto equals = std::min(parameter.find('='), parameter.size());
        auto name = percent_decode(parameter.substr(0, equals), true);
        if (name)
            out.emplace_back(std::move(*name), decode_value(parameter.substr(std::min(equals + 1, parameter.size()))));
    }
    return out;
}

std::optional<Target> parse_target(std::string_view target) {
    Target out;
    if (target == "*") {
        out.origin_form = "*";
        out.path = "/";
        return out;
    }
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!equals_caseless(target.substr(0, scheme.size()), scheme)) continue;
        target.remove_prefix(scheme.size());
        const auto end = std::min(target.find_first_of("/?"), target.size());
        out.authority = target.substr(0, end);
        target.remove_prefix(end);
        if (out.authority.empty()) return std::nullopt;
        if (target.empty() || target.front() == '?') out.origin_form = "/";
        break;
    }
    out.origin_form += target;
    if (out.origin_form.empty() || out.origin_form.front() != '/') return std::nullopt;
    // A fragment is never sent (RFC 9112 section 3.2.1); a '#' here is somebody's attempt at confusion.
    if (out.origin_form.find('#') != std::string::npos) return std::nullopt;
    const std::string_view whole = out.origin_form;
    const auto mark = std::min(whole.find('?'), whole.size());
    auto path = percent_decode(whole.substr(0, mark), false);
    if (!path || has_control(*path)) return std::nullopt;
    out.path = std::move(*path);
    if (mark < whole.size()) out.query = whole.substr(mark + 1);
    return out;
}

}  // namespace carillon::http
