#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "contracts/json_value.hpp"
#include "contracts/validation.hpp"

/// Reading a parsed payload field by field while noting every breach of its contract. For the decoders of this room.
namespace carillon::contracts {

/// Lengths in Unicode code points, both ends included.
struct Length {
    std::size_t min = 0;
    std::size_t max = static_cast<std::size_t>(-1);
};

/// One object of a payload. A field that is missing or wrong is noted in `errors` and read as its default; so a decoder
/// reads all fields straight, and what it built counts only if no error was noted. Lives on the stack of a decoder; an
/// element's reader must not outlive its parent's.
class FieldReader {
 public:
    /// Notes an error unless `value` is an object.
    FieldReader(const JsonValue& value, std::vector<FieldError>& errors);

    // A field that must be there.
    std::string text(std::string_view name, Length length);
    std::string email(std::string_view name);
    template <class IdType>
    IdType id(std::string_view name) {
        return IdType{uuid(name)};
    }
    base::Version version(std::string_view name);
    base::TimePoint time(std::string_view name);
    std::uint64_t count(std::string_view name);
    std::uint64_t integer(std::string_view name, std::uint64_t min, std::uint64_t max);
    bool boolean(std::string_view name);
    void constant(std::string_view name, bool expected);

    // A field that may be missing; null is not missing.
    bool has(std::string_view name) const { return value_.find(name) != nullptr; }
    std::optional<std::string> optional_text(std::string_view name, Length length);
    template <class IdType>
    std::optional<IdType> optional_id(std::string_view name) {
        return has(name) ? std::optional{id<IdType>(name)} : std::nullopt;
    }
    std::optional<base::Version> optional_version(std::string_view name);
    std::optional<std::uint64_t> optional_count(std::string_view name);
    /// False when missing.
    bool optional_boolean(std::string_view name) { return has(name) && boolean(name); }
    /// An object as compact JSON, within kDataBytesMax; its "url" must be a safe link.
    std::optional<std::string> optional_data(std::string_view name);

    // A field that must be there and may be null.
    std::optional<std::string> nullable_text(std::string_view name, Length length);
    std::optional<base::TimePoint> nullable_time(std::string_view name);

    /// The object in a field that must be there.
    FieldReader object(std::string_view name);

    /// `read(FieldReader&)` for each element of an array of objects that must be there.
    template <class Read>
    void each_object(std::string_view name, Read read, std::size_t items_max = static_cast<std::size_t>(-1)) {
        if (const auto* array = list(name, items_max)) {
            const FieldReader parent{*array, this, name, 0, errors_};
            for (std::size_t i = 0; i < array->items.size() && errors_.size() < kFieldErrorsMax; ++i) {
                FieldReader element{array->items[i], &parent, {}, i, errors_};
                element.expect_object();
                read(element);
            }
        }
    }
    /// The elements of an array that must be there; they are not looked at.
    const std::vector<JsonValue>& elements(std::string_view name, std::size_t items_max);
    std::vector<std::string> texts(std::string_view name);
    std::vector<base::Version> versions(std::string_view name);
    template <class IdType>
    std::vector<IdType> ids(std::string_view name, std::size_t items_max = static_cast<std::size_t>(-1)) {
        std::vector<IdType> result;
        for (const auto& uuid : uuids(name, items_max)) result.push_back(IdType{uuid});
        return result;
    }

    /// Notes that `name` breaks the contract.
    void fail(std::string_view name, std::string message);

 private:
    FieldReader(const JsonValue& value, const FieldReader* parent, std::string_view name, std::size_t index,
                std::vector<FieldError>& errors)
        : value_{value}, parent_{parent}, name_{name}, index_{index}, errors_{errors} {}

    void expect_object();
    const JsonValue* require(std::string_view name);
    const JsonValue* list(std::string_view name, std::size_t items_max);
    base::Uuid uuid(std::string_view name);
    std::vector<base::Uuid> uuids(std::string_view name, std::size_t items_max);
    std::string read_text(const JsonValue& value, std::string_view name, Length length);
    base::TimePoint read_time(const JsonValue& value, std::string_view name);
    std::string path() const;

    const JsonValue& value_;
    const FieldReader* parent_;  // null for the document
    std::string_view name_;      // empty for an element of an array
    std::size_t index_;
    std::vector<FieldError>& errors_;
};

/// Reads a document with `read(FieldReader&) -> T`.
template <class Read>
auto decode_value(const JsonValue& value, Read read) -> Decoded<decltype(read(std::declval<FieldReader&>()))> {
    std::vector<FieldError> errors;
    FieldReader fields{value, errors};
    auto result = read(fields);
    if (!errors.empty()) return Invalid{Invalid::Kind::breaks_contract, std::move(errors)};
    return result;
}

/// Parses, then reads.
template <class Read>
auto decode_document(std::string_view json, Read read, std::size_t bytes_max = kMessageBytesMax)
    -> Decoded<decltype(read(std::declval<FieldReader&>()))> {
    const auto parsed = parse_json(json, bytes_max);
    if (!parsed) return parsed.error();
    return decode_value(*parsed, read);
}

}  // namespace carillon::contracts
