#include "contracts/sample_values.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string_view>
#include <vector>

namespace carillon::contracts {

namespace json = boost::json;

json::value SampleValues::valid() {
    astray_ = false;
    return sample(root_);
}

json::value SampleValues::nearly_valid() {
    astray_ = true;
    auto value = sample(root_);
    if (chance(70)) mutate(value, false);
    if (chance(20)) mutate(value, false);
    return value;
}

json::value SampleValues::sample(const json::value& schema) {
    const auto& object = schema.as_object();
    if (const auto* ref = object.if_contains("$ref")) {
        return sample_def(std::string{std::string_view{ref->as_string()}.substr(std::string_view{"#/$defs/"}.size())});
    }
    for (const char* choice : {"anyOf", "oneOf", "enum"}) {
        if (const auto* list = object.if_contains(choice)) {
            const auto& picked = pick(list->as_array());
            return std::string_view{choice} == "enum" ? picked : sample(picked);
        }
    }
    if (const auto* constant = object.if_contains("const")) return *constant;
    const auto* type = object.if_contains("type");
    if (type == nullptr) return any(0);
    const std::string_view name = type->is_array() ? pick(type->as_array()).as_string() : type->as_string();
    if (name == "object") return sample_object(object);
    if (name == "array") return sample_array(object);
    if (name == "string") return sample_string(object);
    if (name == "integer") return sample_integer(object);
    if (name == "boolean") return chance(50);
    return nullptr;
}

json::value SampleValues::sample_def(const std::string& name) {
    if (astray_ && chance(30)) {
        if (auto text = near_miss(name); !text.empty()) return json::string{text};
    }
    if (name == "uuid") return json::string{uuid()};
    if (name == "version") return json::string{version()};
    if (name == "dateTime") return json::string{date_time()};
    if (name == "link") return json::string{link()};
    if (name == "email")
        return json::string{"a" + std::to_string(below(1000)) +
                            "@b\xC3\xBC"
                            "cher.example"};
    return sample(root_.at("$defs").at(name));
}

json::value SampleValues::sample_string(const json::object& schema) {
    const auto limit = [&](const char* name, std::size_t otherwise) {
        const auto* value = schema.if_contains(name);
        return value != nullptr ? static_cast<std::size_t>(value->as_int64()) : otherwise;
    };
    const std::size_t min = limit("minLength", 0);
    const std::size_t max = limit("maxLength", 40);
    if (max <= 300 ? chance(20) : chance(2)) return json::string{characters(max)};
    if (chance(20)) return json::string{characters(min)};
    return json::string{characters(std::min(max, min + below(20)))};
}

json::value SampleValues::sample_integer(const json::object& schema) {
    const auto min = schema.at("minimum").as_int64();
    const auto max = schema.at("maximum").as_int64();
    switch (below(5)) {
        case 0:
            return min;
        case 1:
            return max;
        case 2:
            return static_cast<double>(std::min<std::int64_t>(min + static_cast<std::int64_t>(below(50)), max));
        default:
            return std::uniform_int_distribution<std::int64_t>{min, chance(50) ? max : std::min(max, min + 9)}(random_);
    }
}

json::value SampleValues::sample_array(const json::object& schema) {
    const auto* items = schema.if_contains("items");
    const auto* max = schema.if_contains("maxItems");
    std::size_t size = below(4);
    if (max != nullptr && chance(1)) size = static_cast<std::size_t>(max->as_int64()) + (astray_ ? 1 : 0);
    json::array array;
    if (size > 4) {  // the count is the point
        return json::array(size, items != nullptr ? sample(*items) : json::value(nullptr));
    }
    for (std::size_t i = 0; i < size; ++i) array.push_back(items != nullptr ? sample(*items) : any(0));
    return array;
}

json::value SampleValues::sample_object(const json::object& schema) {
    json::object object;
    const auto* required = schema.if_contains("required");
    if (astray_ && chance(10)) {
        // What a schema forbids: a property that is `false`.
        for (const auto& [name, property] : schema.at("properties").as_object()) {
            if (property.is_bool()) object[name] = json::string{uuid()};
        }
    }
    const auto is_required = [&](const json::value& name) {
        return required != nullptr && std::count(required->as_array().begin(), required->as_array().end(), name) > 0;
    };
    for (const auto& [name, property] : schema.at("properties").as_object()) {
        if (!property.is_object() || !(is_required(json::string{name}) || chance(50))) continue;
        object[name] = sample(property);
    }
    while (chance(25)) object["extra" + std::to_string(below(100))] = any(0);
    return object;
}

json::value SampleValues::any(int depth) {
    switch (below(depth < 3 ? 8 : 6)) {
        case 0:
            return nullptr;
        case 1:
            return chance(50);
        case 2:
            return static_cast<std::int64_t>(random_());
        case 3: {
            constexpr std::array kNumbers{0.0, -0.0, 1.0, 1.5, -7.25, 1e2, 1e300, 0.1, 4e-9, 9007199254740992.0};
            return pick(kNumbers);
        }
        case 4:
            return json::string{characters(below(6))};
        case 5:
            return chance(50) ? json::string{uuid()} : json::string{version()};
        case 6: {
            json::array array;
            for (std::size_t i = below(4); i > 0; --i) array.push_back(any(depth + 1));
            return array;
        }
        default: {
            json::object object;
            for (std::size_t i = below(4); i > 0; --i) object[characters(1 + below(3))] = any(depth + 1);
            return object;
        }
    }
}

// A text that is close to what `def` wants, right or wrong; empty if `def` has no form of its own.
std::string SampleValues::near_miss(const std::string& def) {
    if (def == "version") {
        std::string text = chance(50) ? "9223372036854775807" : version();
        (chance(40) ? text.back() : text[below(text.size())]) = static_cast<char>('0' + below(10));
        return text;
    }
    if (def == "dateTime") return near_date_time();
    if (def == "link") {
        constexpr std::array<std::string_view, 14> kLinks{
            "//evil.example", "///evil.example", "javascript:alert(1)", "a:b", "https:///x", "https://",
            "http:/x",        "/\\evil.example", "ftp://example.com",   " /a", "/a b",       "mailto:a@b",
            "/a\n",           "https://?x"};
        return std::string{pick(kLinks)};
    }
    if (def == "email") return "b" + std::string(249 + below(3), 'a') + "@b.c";
    return {};
}

// Every part of the date and the time in or just out of its range.
std::string SampleValues::near_date_time() {
    constexpr std::array<std::string_view, 6> kOffsets{"Z", "+00:00", "+24:00", "-23:60", "+0100", ""};
    constexpr std::array<std::size_t, 8> kYears{0, 4, 1900, 2000, 2024, 2025, 2100, 9999};
    constexpr std::array<std::size_t, 8> kDays{0, 1, 28, 29, 30, 31, 31, 32};
    if (chance(25)) return fmt::format("{:04}-02-29T08:17:13Z", below(10'000));
    if (chance(10)) return fmt::format("{}-06-15T08:17:13{}", chance(50) ? "0000" : "9999", pick(kOffsets));
    const auto year = chance(50) ? pick(kYears) : below(10'000);
    const auto month = chance(40) ? 2 : below(14);
    const auto late = [&](std::size_t bound) { return chance(10) ? bound : below(bound); };
    auto text =
        fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", year, month, pick(kDays), late(24), late(60), late(60));
    if (chance(40)) text += "." + std::string(below(12), '7');
    text += chance(60) ? "Z" : pick(kOffsets);
    return text;
}

std::string SampleValues::uuid() {
    constexpr std::string_view kHex = "0123456789abcdefABCDEF";
    std::string text = "00000000-0000-0000-0000-000000000000";
    for (char& c : text) {
        if (c == '0') c = pick(kHex);
    }
    return text;
}

std::string SampleValues::version() {
    switch (below(4)) {
        case 0:
            return "0";
        case 1:
            return "9223372036854775807";
        case 2:
            return std::to_string(random_() >> 1);  // most have 19 digits
        default:
            return std::to_string(random_() >> (1 + below(62)));
    }
}

std::string SampleValues::date_time() {
    constexpr std::array<std::string_view, 10> kDates{"2026-11-23", "2024-02-29", "2000-02-29", "1969-12-31",
                                                      "0004-02-29", "9998-12-31", "2025-02-28", "2026-04-30",
                                                      "0000-02-29", "9999-12-31"};
    constexpr std::array<std::string_view, 6> kOffsets{"Z", "z", "+00:00", "-00:00", "+23:59", "-07:30"};
    const auto date = pick(kDates);
    std::string text{date};
    text += chance(90) ? 'T' : 't';
    text += fmt::format("{:02}:{:02}:{:02}", below(24), below(60), below(60));
    if (chance(70)) {
        text += '.';
        for (std::size_t i = 1 + below(9); i > 0; --i) text += static_cast<char>('0' + below(10));
    }
    text += date.starts_with("0000") || date.starts_with("9999") ? "Z" : pick(kOffsets);
    return text;
}

std::string SampleValues::link() {
    constexpr std::array<std::string_view, 9> kLinks{
        "/", "/orders/42?a=b#c", "orders", "?q=10:30", "#top", "https://example.com", "HTTP://h/p", "../up", "./a:b"};
    return std::string{pick(kLinks)};
}

std::string SampleValues::characters(std::size_t count) {
    constexpr std::array<std::string_view, 14> kCharacters{
        "a", "b", "Z", "0", " ", "\"", "\\", "\n", "\x01", "/", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x94\x94", "\x7F"};
    std::string text;
    for (; count > 0; --count) text += pick(kCharacters);
    return text;
}

void SampleValues::mutate(json::value& value, bool in_data) {
    if (value.is_object() && !value.as_object().empty() && chance(80)) {
        auto& object = value.as_object();
        auto* member = object.begin() + static_cast<std::ptrdiff_t>(below(object.size()));
        const bool data = in_data || member->key() == "data";
        switch (below(6)) {
            case 0:
                object.erase(member);
                return;
            case 1: {
                auto moved = member->value();
                const std::string renamed = std::string{member->key()} + (chance(50) ? "s" : "\xC3\xA9");
                object.erase(member);
                object[renamed] = std::move(moved);
                return;
            }
            default:
                mutate(member->value(), data);
                return;
        }
    }
    if (value.is_array() && !value.as_array().empty() && chance(70)) {
        mutate(value.as_array()[below(value.as_array().size())], in_data);
        return;
    }
    mutate_here(value, in_data);
}

void SampleValues::mutate_here(json::value& value, bool in_data) {
    if (value.is_string() && chance(75)) {
        mutate_string(value.as_string(), in_data);
        return;
    }
    if (value.is_number() && chance(60)) {
        const std::array<json::value, 12> numbers{
            -1, 0, 1, 99, 501, 600, 0.5, -0.25, 3.0, 1e16, 9007199254740991, 9007199254740992};
        value = pick(numbers);
        return;
    }
    switch (below(4)) {
        case 0:
            value = nullptr;
            return;
        case 1:
            value = json::array{value};
            return;
        case 2:
            value = json::object{{"value", value}};
            return;
        default:
            value = any(0);
            return;
    }
}

void SampleValues::mutate_string(json::string& text, bool in_data) {
    constexpr std::array<std::string_view, 22> kPieces{
        "x",          "-",  "0", "9", "Z",    "z",        "T",
        ".",          "+",  ":", "/", "//",   "\\",       " ",
        "\n",         "\t", "@", "#", "\x7F", "\xC3\xA9", "\xF0\x9F\x94\x94",
        "javascript:"};
    constexpr std::array<std::size_t, 14> kLengths{0, 1, 7, 8, 64, 65, 100, 101, 200, 201, 254, 255, 256, 257};
    std::string changed{text};
    // Positions only at the start of a character: the text stays UTF-8.
    std::vector<std::size_t> starts;
    for (std::size_t i = 0; i < changed.size(); ++i) {
        if ((static_cast<unsigned char>(changed[i]) & 0xC0U) != 0x80U) starts.push_back(i);
    }
    starts.push_back(changed.size());
    const std::size_t at = below(starts.size());
    const std::size_t end = at + 1 < starts.size() ? starts[at + 1] : changed.size();
    switch (below(8)) {
        case 0:
            changed.erase(starts[at], end - starts[at]);
            break;
        case 1:
        case 2:
            changed.replace(starts[at], end - starts[at], pick(kPieces));
            break;
        case 3:
            changed.insert(starts[at], pick(kPieces));
            break;
        case 4:
            changed += chance(50) ? "\n" : pick(kPieces);
            break;
        case 5:
            changed = in_data ? characters(below(8)) : characters(pick(kLengths));
            break;
        case 6:
            changed = in_data || !chance(4) ? characters(1) : characters(4000 + below(2));
            break;
        default:
            if (!in_data) changed.insert(starts[at], 1, '\0');
            break;
    }
    text = changed;
}

namespace {

TEST(SampleValues, AreTheSameForTheSameSeed) {
    const auto schema = json::parse(R"({"type":"object","required":["a"],"properties":{"a":{"type":"string"}}})");
    const auto run = [&](std::uint64_t seed) {
        SampleValues samples{schema, seed};
        std::string all;
        for (int i = 0; i < 20; ++i) all += json::serialize(samples.nearly_valid());
        return all;
    };
    EXPECT_EQ(run(1), run(1));
    EXPECT_NE(run(1), run(2));
}

}  // namespace
}  // namespace carillon::contracts
