#include "auth/password_rules.hpp"

#include <algorithm>

namespace carillon::auth {
namespace {

// The bytes of the first character (UTF-8; the contract has checked that it is).
std::string_view first_character(std::string_view text) {
    std::size_t size = 1;
    while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) ++size;
    return text.substr(0, size);
}

bool is_one_character_repeated(std::string_view text) {
    const std::string_view first = first_character(text);
    for (std::size_t at = 0; at < text.size(); at += first.size()) {
        if (text.substr(at, first.size()) != first) return false;
    }
    return true;
}

}  // namespace

std::string fold_case(std::string_view text) {
    std::string folded{text};
    std::transform(folded.begin(), folded.end(), folded.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    return folded;
}

std::optional<std::string> password_weakness(std::string_view password, std::string_view email) {
    if (is_one_character_repeated(password)) return "must not be one character repeated";
    if (fold_case(password) == fold_case(email)) return "must not be the e-mail address";
    return std::nullopt;
}

}  // namespace carillon::auth
