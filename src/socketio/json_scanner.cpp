#include "socketio/json_scanner.hpp"

#include <charconv>
#include <cstdint>

#include "socketio/utf8.hpp"

namespace carillon::socketio {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::uint32_t four_hex_digits(std::string_view text) {
    std::uint32_t value = 0;
    for (const char c : text.substr(0, 4)) value = value * 16 + static_cast<std::uint32_t>(hex_value(c));
    return value;
}

/// A quoted key against a name; the slow way only when the key has escapes.
bool key_is(std::string_view quoted, std::string_view name) {
    const std::string_view inside = quoted.substr(1, quoted.size() - 2);
    if (inside.find('\\') == std::string_view::npos) return inside == name;
    return unescape_json_string(quoted) == name;
}

}  // namespace

base::Result<std::string_view> JsonScanner::value() {
    skip_whitespace();
    const std::size_t begin = at_;
    if (!scan_value(1)) return error_;
    const std::string_view found = text_.substr(begin, at_ - begin);
    if (!nothing_follows()) return error_;
    return found;
}

base::Result<void> JsonScanner::array(std::vector<std::string_view>& elements) {
    elements.clear();
    skip_whitespace();
    if (!scan_array(1, &elements) || !nothing_follows()) return error_;
    return {};
}

base::Result<std::string_view> JsonScanner::object() {
    skip_whitespace();
    if (at_end() || text_[at_] != '{') return errc::json_invalid;
    return value();
}

bool JsonScanner::nothing_follows() {
    skip_whitespace();
    return at_end() || fail(errc::json_invalid);
}

bool JsonScanner::fail(errc code) {
    error_ = code;
    return false;
}

void JsonScanner::skip_whitespace() {
    while (!at_end()) {
        const char c = text_[at_];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return;
        ++at_;
    }
}

bool JsonScanner::take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
}

bool JsonScanner::scan_value(std::size_t depth) {
    if (at_end()) return false;
    switch (text_[at_]) {
        case '{':
            return scan_object(depth);
        case '[':
            return scan_array(depth, nullptr);
        case '"':
            return scan_string();
        case 't':
            return scan_literal("true");
        case 'f':
            return scan_literal("false");
        case 'n':
            return scan_literal("null");
        default:
            return scan_number();
    }
}

bool JsonScanner::scan_array(std::size_t depth, std::vector<std::string_view>* elements) {
    if (depth > kJsonDepthMax) return fail(errc::json_too_deep);
    if (!take('[')) return false;
    skip_whitespace();
    if (take(']')) return true;
    for (;;) {
        skip_whitespace();
        const std::size_t begin = at_;
        if (!scan_value(depth + 1)) return false;
        if (elements != nullptr) {
            if (elements->size() == kJsonElementsMax) return fail(errc::too_many);
            elements->push_back(text_.substr(begin, at_ - begin));
        }
        skip_whitespace();
        if (take(']')) return true;
        if (!take(',')) return false;
    }
}

bool JsonScanner::scan_object(std::size_t depth) {
    if (depth > kJsonDepthMax) return fail(errc::json_too_deep);
    if (!take('{')) return false;
    bool is_placeholder = false;
    std::string_view num;
    skip_whitespace();
    if (take('}')) return true;
    for (;;) {
        skip_whitespace();
        const std::size_t key_begin = at_;
        if (!scan_string()) return false;
        const std::string_view key = text_.substr(key_begin, at_ - key_begin);
        skip_whitespace();
        if (!take(':')) return false;
        skip_whitespace();
        const std::size_t begin = at_;
        if (!scan_value(depth + 1)) return false;
        if (placeholders_ != nullptr) {
            // Of duplicate keys the last one wins, as with JSON.parse.
            const std::string_view value = text_.substr(begin, at_ - begin);
            if (key_is(key, "_placeholder")) is_placeholder = value == "true";
            if (key_is(key, "num")) num = value;
        }
        skip_whitespace();
        if (take('}')) return !is_placeholder || check_placeholder(num);
        if (!take(',')) return false;
    }
}

bool JsonScanner::check_placeholder(std::string_view num) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(num.data(), num.data() + num.size(), index);
    if (num.empty() || error != std::errc{} || end != num.data() + num.size() || index >= placeholders_->attachments) {
        return fail(errc::placeholder_invalid);
    }
    ++placeholders_->found;
    return true;
}

bool JsonScanner::scan_string() {
    if (!take('"')) return false;
    while (!at_end()) {
        const auto c = static_cast<unsigned char>(text_[at_]);
        if (c == '"') {
            ++at_;
            return true;
        }
        if (c == '\\') {
            if (!scan_escape()) return false;
        } else if (c < 0x20) {
            return false;
        } else if (c < 0x80) {
            ++at_;
        } else {
            const std::size_t length = utf8_sequence_length(text_.substr(at_));
            if (length == 0) return false;
            at_ += length;
        }
    }
    return false;
}

bool JsonScanner::scan_escape() {
    if (text_.size() - at_ < 2) return false;
    const char c = text_[at_ + 1];
    if (c != 'u') {
        at_ += 2;
        return std::string_view{"\"\\/bfnrt"}.find(c) != std::string_view::npos;
    }
    if (text_.size() - at_ < 6) return false;
    for (std::size_t i = 2; i < 6; ++i) {
        if (hex_value(text_[at_ + i]) < 0) return false;
    }
    at_ += 6;
    return true;
}

bool JsonScanner::scan_digits() {
    const std::size_t begin = at_;
    while (!at_end() && is_digit(text_[at_])) ++at_;
    return at_ > begin;
}

bool JsonScanner::scan_number() {
    take('-');
    if (!take('0') && !scan_digits()) return false;
    if (take('.') && !scan_digits()) return false;
    if (take('e') || take('E')) {
        if (!take('+')) take('-');
        if (!scan_digits()) return false;
    }
    return true;
}

bool JsonScanner::scan_literal(std::string_view literal) {
    if (!text_.substr(at_).starts_with(literal)) return false;
    at_ += literal.size();
    return true;
}

std::string unescape_json_string(std::string_view quoted) {
    std::string out;
    const std::string_view text = quoted.substr(1, quoted.size() - 2);
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] != '\\') {
            out.push_back(text[at++]);
            continue;
        }
        const char c = text[at + 1];
        at += 2;
        switch (c) {
            case 'b':
                out.push_back('\b');
                continue;
            case 'f':
                out.push_back('\f');
                continue;
            case 'n':
                out.push_back('\n');
                continue;
            case 'r':
                out.push_back('\r');
                continue;
            case 't':
                out.push_back('\t');
                continue;
            case 'u':
                break;
            default:
                out.push_back(c);
                continue;
        }
        std::uint32_t code_point = four_hex_digits(text.substr(at));
        at += 4;
        const bool high = code_point >= 0xD800 && code_point <= 0xDBFF;
        if (high && text.size() - at >= 6 && text.substr(at, 2) == "\\u") {
            const std::uint32_t low = four_hex_digits(text.substr(at + 2));
            if (low >= 0xDC00 && low <= 0xDFFF) {
                code_point = 0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00);
                at += 6;
            }
        }
        append_utf8(out, code_point);
    }
    return out;
}

void append_json_string(std::string& out, std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    out.push_back('"');
    for (std::size_t at = 0; at < text.size();) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c >= 0x80) {
            const std::size_t length = utf8_sequence_length(text.substr(at));
            if (length == 0) {
                append_utf8(out, 0xFFFD);
                ++at;
            } else {
                out += text.substr(at, length);
                at += length;
            }
            continue;
        }
        ++at;
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(static_cast<char>(c));
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c < 0x20 || c == 0x7F) {
            out += "\\u00";
            out.push_back(kHex[c >> 4]);
            out.push_back(kHex[c & 0xF]);
        } else {
            out.push_back(static_cast<char>(c));
        }
    }
    out.push_back('"');
}

}  // namespace carillon::socketio
