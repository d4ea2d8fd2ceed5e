#include "socketio/utf8.hpp"

#include <cstring>

namespace carillon::socketio {
namespace {

bool is_continuation(unsigned char byte) {
    return (byte & 0xC0) == 0x80;
}

}  // namespace

std::size_t utf8_sequence_length(std::string_view text) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    const unsigned char first = bytes[0];
    if (first < 0x80) return 1;
    if (first < 0xC2) return 0;
    if (first < 0xE0) return text.size() >= 2 && is_continuation(bytes[1]) ? 2 : 0;
    if (first < 0xF0) {
        if (text.size() < 3 || !is_continuation(bytes[1]) || !is_continuation(bytes[2])) return 0;
        if (first == 0xE0 && bytes[1] < 0xA0) return 0;   // overlong
        if (first == 0xED && bytes[1] >= 0xA0) return 0;  // surrogate
        return 3;
    }
    if (first > 0xF4 || text.size() < 4) return 0;
    if (!is_continuation(bytes[1]) || !is_continuation(bytes[2]) || !is_continuation(bytes[3])) return 0;
    if (first == 0xF0 && bytes[1] < 0x90) return 0;   // overlong
    if (first == 0xF4 && bytes[1] >= 0x90) return 0;  // past U+10FFFF
    return 4;
}

bool is_valid_utf8(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        // Eight ASCII bytes at a time: nearly all text is that.
        while (text.size() - at >= 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, text.data() + at, 8);
            if ((word & 0x8080808080808080ULL) != 0) break;
            at += 8;
        }
        if (at == text.size()) break;
        const std::size_t length = utf8_sequence_length(text.substr(at));
        if (length == 0) return false;
        at += length;
    }
    return true;
}

void append_utf8(std::string& out, std::uint32_t code_point) {
    if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) code_point = 0xFFFD;
    if (code_point < 0x80) {
        out.push_back(static_cast<char>(code_point));
        return;
    }
    if (code_point < 0x800) {
        out.push_back(static_cast<char>(0xC0 | (code_point >> 6)));
    } else {
        if (code_point < 0x10000) {
            out.push_back(static_cast<char>(0xE0 | (code_point >> 12)));
        } else {
            out.push_back(static_cast<char>(0xF0 | (code_point >> 18)));
            out.push_back(static_cast<char>(0x80 | ((code_point >> 12) & 0x3F)));
        }
        out.push_back(static_cast<char>(0x80 | ((code_point >> 6) & 0x3F)));
    }
    out.push_back(static_cast<char>(0x80 | (code_point & 0x3F)));
}

}  // namespace carillon::socketio
