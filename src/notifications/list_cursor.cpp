#include "notifications/list_cursor.hpp"

#include <array>
#include <cstdint>

namespace carillon::notifications {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kChecksumAt = 10;
constexpr std::size_t kBytes = 14;  // format, 8 of the version, status, 4 of the checksum
constexpr std::size_t kChars = 19;
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using Bytes = std::array<std::uint8_t, kBytes>;

/// FNV-1a, 32 bits.
std::uint32_t checksum(const Bytes& bytes, base::UserId user) {
    std::uint32_t hash = 2'166'136'261U;
    const auto add = [&hash](std::uint8_t byte) { hash = (hash ^ byte) * 16'777'619U; };
    for (std::size_t i = 0; i < kChecksumAt; ++i) add(bytes[i]);
    for (const auto byte : user.uuid.bytes) add(byte);
    return hash;
}

std::string to_base64url(const Bytes& bytes) {
    std::string out;
    out.reserve(kChars);
    std::uint32_t window = 0;
    int bits = 0;
    for (const auto byte : bytes) {
        window = (window << 8) | byte;
        for (bits += 8; bits >= 6; bits -= 6) out.push_back(kAlphabet[(window >> (bits - 6)) & 63U]);
    }
    if (bits > 0) out.push_back(kAlphabet[(window << (6 - bits)) & 63U]);
    return out;
}

std::optional<Bytes> from_base64url(std::string_view text) {
    if (text.size() != kChars) return std::nullopt;
    Bytes bytes{};
    std::size_t filled = 0;
    std::uint32_t window = 0;
    int bits = 0;
    for (const char c : text) {
        const auto value = kAlphabet.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        window = (window << 6) | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes[filled++] = static_cast<std::uint8_t>(window >> bits);
    }
    // The two bits left over belong to no byte: one cursor has one form.
    if ((window & 3U) != 0) return std::nullopt;
    return bytes;
}

}  // namespace

std::string encode_cursor(const ListCursor& cursor, base::UserId user) {
    Bytes bytes{};
    bytes[0] = kFormat;
    for (std::size_t i = 0; i < 8; ++i) bytes[1 + i] = static_cast<std::uint8_t>(cursor.before >> (56 - 8 * i));
    bytes[9] = static_cast<std::uint8_t>(cursor.status);
    const auto sum = checksum(bytes, user);
    for (std::size_t i = 0; i < 4; ++i) bytes[kChecksumAt + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
    return to_base64url(bytes);
}

std::optional<ListCursor> decode_cursor(std::string_view text, base::UserId user) {
    const auto bytes = from_base64url(text);
    if (!bytes || (*bytes)[0] != kFormat || (*bytes)[9] > static_cast<std::uint8_t>(store::StatusFilter::read)) {
        return std::nullopt;
    }
    ListCursor cursor;
    cursor.status = static_cast<store::StatusFilter>((*bytes)[9]);
    for (std::size_t i = 0; i < 8; ++i) cursor.before = (cursor.before << 8) | (*bytes)[1 + i];
    // Written afresh it must be the same: that compares the checksum, too.
    if (encode_cursor(cursor, user) != text) return std::nullopt;
    return cursor;
}

}  // namespace carillon::notifications
