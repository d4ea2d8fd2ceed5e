#include "contracts/json_writer.hpp"

#include <charconv>
#include <cstddef>

namespace carillon::contracts {
namespace {

constexpr char kHex[] = "0123456789abcdef";

}  // namespace

std::size_t utf8_sequence(std::string_view text) {
    const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto continues = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
    const unsigned lead = at(0);
    if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        const unsigned low = lead == 0xE0 ? 0xA0U : 0x80U;   // no overlong form
        const unsigned high = lead == 0xED ? 0x9FU : 0xBFU;  // no surrogate
        return at(1) >= low && at(1) <= high && continues(2) ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        const unsigned low = lead == 0xF0 ? 0x90U : 0x80U;
        const unsigned high = lead == 0xF4 ? 0x8FU : 0xBFU;  // nothing above U+10FFFF
        return at(1) >= low && at(1) <= high && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

namespace {

void append_escape(std::string& out, unsigned char byte) {
    switch (byte) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    out += "\\u00";
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 0xF]);
}

void put_digits(char* at, int width, unsigned value) {
    for (int i = width - 1; i >= 0; --i) {
        at[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out.push_back('"');
    std::size_t run = 0;  // start of what is copied as it is
    std::size_t i = 0;
    while (i < text.size()) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x80 && byte >= 0x20 && byte != '"' && byte != '\\') {
            ++i;
            continue;
        }
        const std::size_t sequence = byte >= 0x80 ? utf8_sequence(text.substr(i)) : 0;
        if (sequence > 0) {
            i += sequence;
            continue;
        }
        out.append(text.data() + run, i - run);
        if (byte >= 0x80) {
            out += "\xEF\xBF\xBD";
        } else {
            append_escape(out, byte);
        }
        run = ++i;
    }
    out.append(text.data() + run, i - run);
    out.push_back('"');
}

void append_number(std::string& out, std::uint64_t value) {
    char digits[20];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    out.append(digits, end);
}

void append_version(std::string& out, base::Version version) {
    out.push_back('"');
    append_number(out, version);
    out.push_back('"');
}

void append_time(std::string& out, base::TimePoint time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const int year = static_cast<int>(date.year());
    if (year < 0 || year > 9999) {
        out.push_back('"');
        out += base::to_iso8601(time);
        out.push_back('"');
        return;
    }
    const auto ms = static_cast<unsigned>((time - day).count());
    char text[] = "\"0000-00-00T00:00:00.000Z\"";
    put_digits(text + 1, 4, static_cast<unsigned>(year));
    put_digits(text + 6, 2, static_cast<unsigned>(date.month()));
    put_digits(text + 9, 2, static_cast<unsigned>(date.day()));
    put_digits(text + 12, 2, ms / 3'600'000);
    put_digits(text + 15, 2, ms / 60'000 % 60);
    put_digits(text + 18, 2, ms / 1'000 % 60);
    put_digits(text + 21, 3, ms % 1'000);
    out.append(text, sizeof text - 1);
}

void append_uuid(std::string& out, const base::Uuid& uuid) {
    char text[38];
    std::size_t at = 0;
    text[at++] = '"';
    for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text[at++] = '-';
        text[at++] = kHex[uuid.bytes[i] >> 4];
        text[at++] = kHex[uuid.bytes[i] & 0xF];
    }
    text[at++] = '"';
    out.append(text, at);
}

}  // namespace carillon::contracts
