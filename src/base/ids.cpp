#include "base/ids.hpp"

#include <openssl/rand.h>

#include <charconv>
#include <limits>
#include <mutex>
#include <stdexcept>

namespace carillon::base {
namespace {

/// Of a hexadecimal digit its value; of every other byte -1.
constexpr auto kHexValues = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (int i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
    for (int i = 0; i < 6; ++i) {
        values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
        values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
    }
    return values;
}();

int hex_value(char c) {
    return kHexValues[static_cast<unsigned char>(c)];
}

bool hyphen_before_byte(std::size_t index) {
    return index == 4 || index == 6 || index == 8 || index == 10;
}

}  // namespace

std::optional<Uuid> Uuid::parse(std::string_view text) {
    if (text.size() != 36) return std::nullopt;
    Uuid uuid;
    std::size_t at = 0;
    for (std::size_t i = 0; i < 16; ++i) {
        if (hyphen_before_byte(i) && text[at++] != '-') return std::nullopt;
        const int high = hex_value(text[at]);
        const int low = hex_value(text[at + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        uuid.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
        at += 2;
    }
    return uuid;
}

Uuid Uuid::generate_v7(TimePoint now) {
    // RFC 9562 section 6.2, method 1: the 12 bits of rand_a count within one millisecond, so that ids made by one
    // process sort in the order in which they were made.
    static std::mutex mutex;
    static std::int64_t last_ms = 0;
    static unsigned counter = 0;

    Uuid uuid;
    random_bytes(uuid.bytes.data(), uuid.bytes.size());
    std::int64_t ms = now.time_since_epoch().count();
    unsigned sequence = 0;
    {
        const std::lock_guard lock{mutex};
        if (ms > last_ms) {
            last_ms = ms;
            counter = uuid.bytes[6] & 0x07U;
        } else if (++counter > 0xFFF) {
            ++last_ms;
            counter = 0;
        }
        ms = last_ms;
        sequence = counter;
    }
    for (int i = 0; i < 6; ++i) uuid.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
    uuid.bytes[6] = static_cast<std::uint8_t>(0x70U | sequence >> 8);
    uuid.bytes[7] = static_cast<std::uint8_t>(sequence);
    uuid.bytes[8] = static_cast<std::uint8_t>(0x80U | (uuid.bytes[8] & 0x3FU));
    return uuid;
}

std::string Uuid::to_string() const {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < 16; ++i) {
        if (hyphen_before_byte(i)) text.push_back('-');
        text.push_back(kHex[bytes[i] >> 4]);
        text.push_back(kHex[bytes[i] & 0xF]);
    }
    return text;
}

std::optional<Version> parse_version(std::string_view text) {
    if (text.empty() || text.size() > 19 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    Version value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (value > static_cast<Version>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    return value;
}

void random_bytes(void* out, std::size_t size) {
    if (RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(size)) != 1) {
        throw std::runtime_error("the system's random generator failed");
    }
}

}  // namespace carillon::base
