#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/ids.hpp"

namespace carillon::store::postgres {

/// The text of a JSON document, for a parameter of type `json`.
struct JsonText {
    std::string_view text;
};

/// The values of `$1`, `$2`, … of one statement, in PostgreSQL's binary format. The types are those of the statement:
/// boolean, bigint, uuid, text, json, bytea, timestamptz, and one-dimensional arrays of them.
class Parameters {
 public:
    template <class T>
    Parameters& add(const T& value) {
        const std::size_t start = bytes_.size();
        const bool present = append(value);
        values_.push_back({start, bytes_.size() - start, present});
        return *this;
    }

    std::size_t size() const { return values_.size(); }
    /// For libpq: pointers (null for NULL), lengths and formats, valid until the next call or change.
    const char* const* pointers();
    const int* lengths();
    const int* formats();

 private:
    struct Value {
        std::size_t start = 0;
        std::size_t length = 0;
        bool present = true;
    };

    // Each appends the bytes of a value and says whether there is one (or it is NULL).
    bool append(bool value);
    bool append(std::int64_t value);
    bool append(std::uint64_t value) { return append(static_cast<std::int64_t>(value)); }
    bool append(std::uint32_t value) { return append(static_cast<std::int64_t>(value)); }
    bool append(const base::Uuid& value);
    bool append(std::string_view value);
    bool append(const std::string& value) { return append(std::string_view{value}); }
    bool append(JsonText value) { return append(value.text); }
    bool append(base::TimePoint value);
    bool append(const base::Digest& value);
    template <class Tag>
    bool append(const base::Id<Tag>& value) {
        return append(value.uuid);
    }
    template <class T>
    bool append(const std::optional<T>& value) {
        return value ? append(*value) : false;
    }
    template <class T>
    bool append(const std::vector<T>& values) {
        start_array(element_type(static_cast<const T*>(nullptr)), values.size());
        for (const T& value : values) append_element(value);
        return true;
    }

    template <class T>
    void append_element(const T& value) {
        const std::size_t length_at = bytes_.size();
        append_int32(0);
        const bool present = append(value);
        end_element(length_at, present);
    }
    void append_int32(std::int32_t value);
    void start_array(std::int32_t element_type, std::size_t size);
    void end_element(std::size_t length_at, bool present);

    // Object identifiers of PostgreSQL's built-in types; they are fixed.
    static constexpr std::int32_t element_type(const bool*) { return 16; }
    static constexpr std::int32_t element_type(const base::Digest*) { return 17; }
    static constexpr std::int32_t element_type(const std::int64_t*) { return 20; }
    static constexpr std::int32_t element_type(const std::uint64_t*) { return 20; }
    static constexpr std::int32_t element_type(const base::Uuid*) { return 2950; }
    static constexpr std::int32_t element_type(const std::string_view*) { return 25; }
    static constexpr std::int32_t element_type(const std::string*) { return 25; }
    static constexpr std::int32_t element_type(const JsonText*) { return 114; }
    static constexpr std::int32_t element_type(const base::TimePoint*) { return 1184; }
    template <class Tag>
    static constexpr std::int32_t element_type(const base::Id<Tag>*) {
        return 2950;
    }
    template <class T>
    static constexpr std::int32_t element_type(const std::optional<T>*) {
        return element_type(static_cast<const T*>(nullptr));
    }

    std::string bytes_;
    std::vector<Value> values_;
    std::vector<const char*> pointers_;
    std::vector<int> lengths_;
    std::vector<int> formats_;
};

}  // namespace carillon::store::postgres
