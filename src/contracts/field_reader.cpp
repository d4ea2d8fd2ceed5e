#include "contracts/field_reader.hpp"

#include <algorithm>

#include "contracts/notification.hpp"
#include "contracts/rest_bodies.hpp"

namespace carillon::contracts {
namespace {

using Kind = JsonValue::Kind;

constexpr std::uint64_t kCountMax = (1ULL << 53) - 1;

// `text` is valid UTF-8, so every byte that continues no character starts one.
std::size_t code_points(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string length_rule(Length length) {
    if (length.max == static_cast<std::size_t>(-1))
        return "must have at least " + std::to_string(length.min) + " characters";
    if (length.min == 0) return "must have at most " + std::to_string(length.max) + " characters";
    return "must have " + std::to_string(length.min) + " to " + std::to_string(length.max) + " characters";
}

// What the schema's pattern adds to RFC 3339, so that every time read can be written: at most nine decimals, and no
// offset in the first and the last year.
std::optional<base::TimePoint> read_date_time(std::string_view text) {
    constexpr std::size_t kSecondsEnd = 19;  // "2026-11-23T08:17:13"
    constexpr std::size_t kDecimalsMax = 9;
    const auto time = base::parse_iso8601(text);
    if (!time) return std::nullopt;
    const bool utc = text.back() == 'Z' || text.back() == 'z';
    if (!utc && (text.starts_with("0000") || text.starts_with("9999"))) return std::nullopt;
    const auto fraction_end = text.find_first_not_of("0123456789", kSecondsEnd + 1);
    if (text[kSecondsEnd] == '.' && fraction_end - kSecondsEnd - 1 > kDecimalsMax) return std::nullopt;
    return time;
}

bool plain_ascii_or_beyond(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7F;
}

bool is_email(std::string_view text) {
    const auto at = text.find('@');
    return at != std::string_view::npos && at > 0 && at + 1 < text.size() && text.rfind('@') == at &&
           std::all_of(text.begin(), text.end(), plain_ascii_or_beyond);
}

}  // namespace

FieldReader::FieldReader(const JsonValue& value, std::vector<FieldError>& errors)
    : FieldReader{value, nullptr, {}, 0, errors} {
    expect_object();
}

void FieldReader::expect_object() {
    if (!value_.is(Kind::object) && errors_.size() < kFieldErrorsMax) errors_.push_back({path(), "must be an object"});
}

std::string FieldReader::path() const {
    if (parent_ == nullptr) return {};
    return parent_->path() + "/" + (name_.empty() ? std::to_string(index_) : std::string{name_});
}

void FieldReader::fail(std::string_view name, std::string message) {
    if (errors_.size() >= kFieldErrorsMax) return;
    errors_.push_back({path() + "/" + std::string{name}, std::move(message)});
}

const JsonValue* FieldReader::require(std::string_view name) {
    const auto* field = value_.find(name);
    // Of what is no object one error is enough.
    if (field == nullptr && value_.is(Kind::object)) fail(name, "is required");
    return field;
}

std::string FieldReader::read_text(const JsonValue& value, std::string_view name, Length length) {
    if (!value.is(Kind::string)) {
        fail(name, "must be a string");
    } else if (value.text.find('\0') != std::string::npos) {
        fail(name, "must not contain U+0000");
    } else if (const auto size = code_points(value.text); size < length.min || size > length.max) {
        fail(name, length_rule(length));
    } else {
        return value.text;
    }
    return {};
}

base::TimePoint FieldReader::read_time(const JsonValue& value, std::string_view name) {
    if (value.is(Kind::string)) {
        if (const auto time = read_date_time(value.text)) return *time;
    }
    fail(name, "must be an RFC 3339 date-time");
    return {};
}

std::string FieldReader::text(std::string_view name, Length length) {
    const auto* field = require(name);
    return field != nullptr ? read_text(*field, name, length) : std::string{};
}

std::string FieldReader::email(std::string_view name) {
    const auto errors_before = errors_.size();
    auto result = text(name, {1, kEmailCharsMax});
    if (errors_.size() == errors_before && value_.is(Kind::object) && !is_email(result)) {
        fail(name, "must be an e-mail address");
    }
    return result;
}

base::Uuid FieldReader::uuid(std::string_view name) {
    const auto* field = require(name);
    if (field == nullptr) return {};
    if (field->is(Kind::string)) {
        if (const auto uuid = base::Uuid::parse(field->text)) return *uuid;
    }
    fail(name, "must be a UUID");
    return {};
}

base::Version FieldReader::version(std::string_view name) {
    const auto* field = require(name);
    if (field == nullptr) return 0;
    if (field->is(Kind::string)) {
        if (const auto version = base::parse_version(field->text)) return *version;
    }
    fail(name, "must be a version: a decimal number as a string, from \"0\" to 2^63 - 1");
    return 0;
}

base::TimePoint FieldReader::time(std::string_view name) {
    const auto* field = require(name);
    return field != nullptr ? read_time(*field, name) : base::TimePoint{};
}

std::uint64_t FieldReader::count(std::string_view name) {
    return integer(name, 0, kCountMax);
}

std::uint64_t FieldReader::integer(std::string_view name, std::uint64_t min, std::uint64_t max) {
    const auto* field = require(name);
    if (field == nullptr) return min;
    const auto value = safe_integer(*field);
    if (value && *value >= min && *value <= max) return *value;
    fail(name, "must be an integer from " + std::to_string(min) + " to " + std::to_string(max));
    return min;
}

bool FieldReader::boolean(std::string_view name) {
    const auto* field = require(name);
    if (field == nullptr) return false;
    if (!field->is(Kind::boolean)) fail(name, "must be true or false");
    return field->boolean;
}

void FieldReader::constant(std::string_view name, bool expected) {
    const auto* field = require(name);
    if (field != nullptr && (!field->is(Kind::boolean) || field->boolean != expected)) {
        fail(name, expected ? "must be true" : "must be false");
    }
}

std::optional<std::string> FieldReader::optional_text(std::string_view name, Length length) {
    const auto* field = value_.find(name);
    if (field == nullptr) return std::nullopt;
    return read_text(*field, name, length);
}

std::optional<base::Version> FieldReader::optional_version(std::string_view name) {
    return has(name) ? std::optional{version(name)} : std::nullopt;
}

std::optional<std::uint64_t> FieldReader::optional_count(std::string_view name) {
    return has(name) ? std::optional{count(name)} : std::nullopt;
}

std::optional<std::string> FieldReader::optional_data(std::string_view name) {
    const auto* field = value_.find(name);
    if (field == nullptr) return std::nullopt;
    if (!field->is(Kind::object)) {
        fail(name, "must be an object");
        return std::nullopt;
    }
    if (const auto* url = field->find("url"); url != nullptr && (!url->is(Kind::string) || !is_safe_link(url->text))) {
        fail(std::string{name} + "/url", "must be an http(s) URL or a relative one");
    }
    std::string json;
    append_json(json, *field);
    if (json.size() > kDataBytesMax) {
        fail(name, "must be at most " + std::to_string(kDataBytesMax) + " bytes of JSON");
    } else if (!is_portable(*field)) {
        fail(name, "must not contain U+0000 nor a number that no double holds");
    }
    return json;
}

std::optional<std::string> FieldReader::nullable_text(std::string_view name, Length length) {
    const auto* field = require(name);
    if (field == nullptr || field->is(Kind::null)) return std::nullopt;
    return read_text(*field, name, length);
}

std::optional<base::TimePoint> FieldReader::nullable_time(std::string_view name) {
    const auto* field = require(name);
    if (field == nullptr || field->is(Kind::null)) return std::nullopt;
    return read_time(*field, name);
}

FieldReader FieldReader::object(std::string_view name) {
    static const JsonValue kMissing;
    const auto* field = require(name);
    FieldReader reader{field != nullptr ? *field : kMissing, this, name, 0, errors_};
    if (field != nullptr) reader.expect_object();
    return reader;
}

const JsonValue* FieldReader::list(std::string_view name, std::size_t items_max) {
    const auto* field = require(name);
    if (field == nullptr) return nullptr;
    if (!field->is(Kind::array)) {
        fail(name, "must be an array");
        return nullptr;
    }
    if (field->items.size() > items_max) {
        fail(name, "must have at most " + std::to_string(items_max) + " items");
        return nullptr;
    }
    return field;
}

const std::vector<JsonValue>& FieldReader::elements(std::string_view name, std::size_t items_max) {
    static const std::vector<JsonValue> kNone;
    const auto* array = list(name, items_max);
    return array != nullptr ? array->items : kNone;
}

std::vector<std::string> FieldReader::texts(std::string_view name) {
    std::vector<std::string> result;
    for (const auto& item : elements(name, static_cast<std::size_t>(-1))) {
        result.push_back(read_text(item, std::string{name} + "/" + std::to_string(result.size()), {}));
    }
    return result;
}

std::vector<base::Version> FieldReader::versions(std::string_view name) {
    std::vector<base::Version> result;
    const auto& items = elements(name, static_cast<std::size_t>(-1));
    result.reserve(items.size());
    for (const auto& item : items) {
        const auto version = item.is(Kind::string) ? base::parse_version(item.text) : std::nullopt;
        if (!version) fail(std::string{name} + "/" + std::to_string(result.size()), "must be a version");
        result.push_back(version.value_or(0));
    }
    return result;
}

std::vector<base::Uuid> FieldReader::uuids(std::string_view name, std::size_t items_max) {
    std::vector<base::Uuid> result;
    const auto& items = elements(name, items_max);
    result.reserve(items.size());
    for (const auto& item : items) {
        const auto uuid = item.is(Kind::string) ? base::Uuid::parse(item.text) : std::nullopt;
        if (!uuid) fail(std::string{name} + "/" + std::to_string(result.size()), "must be a UUID");
        result.push_back(uuid.value_or(base::Uuid{}));
    }
    return result;
}

}  // namespace carillon::contracts
