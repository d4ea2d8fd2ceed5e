#pragma once

#include <string_view>

namespace carillon::http {

constexpr char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// Compares without regard to the case of ASCII letters, as header names and tokens are.
constexpr bool equals_caseless(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (ascii_lower(a[i]) != ascii_lower(b[i])) return false;
    }
    return true;
}

/// Without the spaces and tabs at both ends (OWS of RFC 9110 section 5.6.3).
constexpr std::string_view trim_blanks(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Whether a comma-separated list holds `token`, without regard to case.
constexpr bool list_has_token(std::string_view list, std::string_view token) {
    for (;;) {
        const auto comma = list.find(',');
        if (equals_caseless(trim_blanks(list.substr(0, comma)), token)) return true;
        if (comma == std::string_view::npos) return false;
        list.remove_prefix(comma + 1);
    }
}

}  // namespace carillon::http
