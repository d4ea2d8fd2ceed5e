#include "socketio/base64.hpp"

#include <array>
#include <cstdint>

namespace carillon::socketio {
namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> make_values() {
    std::array<std::int8_t, 256> values{};
    for (auto& value : values) value = -1;
    for (std::size_t i = 0; i < kStandard.size(); ++i) {
        values[static_cast<unsigned char>(kStandard[i])] = static_cast<std::int8_t>(i);
    }
    return values;
}

constexpr std::array<std::int8_t, 256> kValues = make_values();

/// Returns how many characters of the last group stand for nothing (0 to 2).
std::size_t append_groups(std::string& out, std::string_view bytes, std::string_view alphabet) {
    const auto* in = reinterpret_cast<const unsigned char*>(bytes.data());
    std::size_t left = bytes.size();
    for (; left >= 3; left -= 3, in += 3) {
        out.push_back(alphabet[in[0] >> 2]);
        out.push_back(alphabet[((in[0] & 0x03) << 4) | (in[1] >> 4)]);
        out.push_back(alphabet[((in[1] & 0x0F) << 2) | (in[2] >> 6)]);
        out.push_back(alphabet[in[2] & 0x3F]);
    }
    if (left == 0) return 0;
    out.push_back(alphabet[in[0] >> 2]);
    if (left == 1) {
        out.push_back(alphabet[(in[0] & 0x03) << 4]);
        return 2;
    }
    out.push_back(alphabet[((in[0] & 0x03) << 4) | (in[1] >> 4)]);
    out.push_back(alphabet[(in[1] & 0x0F) << 2]);
    return 1;
}

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
    out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
    const std::size_t padding = append_groups(out, bytes, kStandard);
    out.append(padding, '=');
}

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.ends_with("==") && text.size() % 4 == 0) {
        text.remove_suffix(2);
    } else if (text.ends_with('=') && text.size() % 4 == 0) {
        text.remove_suffix(1);
    }
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t group = 0;
    std::size_t in_group = 0;
    for (const char c : text) {
        const std::int8_t value = kValues[static_cast<unsigned char>(c)];
        if (value < 0) return std::nullopt;
        group = (group << 6) | static_cast<std::uint32_t>(value);
        if (++in_group < 4) continue;
        bytes.push_back(static_cast<char>(group >> 16));
        bytes.push_back(static_cast<char>(group >> 8));
        bytes.push_back(static_cast<char>(group));
        group = 0;
        in_group = 0;
    }
    if (in_group == 2) {
        if ((group & 0x0F) != 0) return std::nullopt;
        bytes.push_back(static_cast<char>(group >> 4));
    } else if (in_group == 3) {
        if ((group & 0x03) != 0) return std::nullopt;
        bytes.push_back(static_cast<char>(group >> 10));
        bytes.push_back(static_cast<char>(group >> 2));
    }
    return bytes;
}

std::string encode_base64url(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    append_groups(text, bytes, kUrlSafe);
    return text;
}

}  // namespace carillon::socketio
