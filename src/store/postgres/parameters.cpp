#include "store/postgres/parameters.hpp"

#include <cassert>

#include "store/postgres/time_epoch.hpp"

namespace carillon::store::postgres {
namespace {

constexpr int kBinary = 1;

template <class Int>
void append_big_endian(std::string& out, Int value) {
    for (int shift = static_cast<int>(sizeof(Int)) * 8 - 8; shift >= 0; shift -= 8) {
        out.push_back(static_cast<char>((value >> shift) & 0xFF));
    }
}

}  // namespace

const char* const* Parameters::pointers() {
    pointers_.clear();
    for (const auto& value : values_) pointers_.push_back(value.present ? bytes_.data() + value.start : nullptr);
    return pointers_.data();
}

const int* Parameters::lengths() {
    lengths_.clear();
    for (const auto& value : values_) lengths_.push_back(static_cast<int>(value.length));
    return lengths_.data();
}

const int* Parameters::formats() {
    formats_.assign(values_.size(), kBinary);
    return formats_.data();
}

bool Parameters::append(bool value) {
    bytes_.push_back(value ? 1 : 0);
    return true;
}

bool Parameters::append(std::int64_t value) {
    append_big_endian(bytes_, value);
    return true;
}

bool Parameters::append(const base::Uuid& value) {
    bytes_.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
    return true;
}

bool Parameters::append(std::string_view value) {
    bytes_.append(value);
    return true;
}

bool Parameters::append(base::TimePoint value) {
    return append(to_postgres(value));
}

bool Parameters::append(const base::Digest& value) {
    bytes_.append(reinterpret_cast<const char*>(value.data()), value.size());
    return true;
}

void Parameters::append_int32(std::int32_t value) {
    append_big_endian(bytes_, value);
}

// Header of an array: dimensions, whether there may be nulls, element type; then for each dimension its size and its
// first index. An empty one has no dimension.
void Parameters::start_array(std::int32_t element_type, std::size_t size) {
    append_int32(size == 0 ? 0 : 1);
    append_int32(1);
    append_int32(element_type);
    if (size == 0) return;
    append_int32(static_cast<std::int32_t>(size));
    append_int32(1);
}

void Parameters::end_element(std::size_t length_at, bool present) {
    std::string length;
    const auto bytes = static_cast<std::int32_t>(bytes_.size() - length_at - sizeof(std::int32_t));
    assert(present || bytes == 0);
    append_big_endian(length, present ? bytes : -1);
    bytes_.replace(length_at, length.size(), length);
}

}  // namespace carillon::store::postgres
