#include "store/postgres/rows.hpp"

#include <libpq-fe.h>

#include <cassert>
#include <charconv>
#include <cstring>

#include "store/postgres/time_epoch.hpp"

namespace carillon::store::postgres {

void Rows::Clear::operator()(pg_result* result) const {
    PQclear(result);
}

std::size_t Rows::size() const {
    return result_ == nullptr ? 0 : static_cast<std::size_t>(PQntuples(result_.get()));
}

std::uint64_t Rows::changed() const {
    if (result_ == nullptr) return 0;
    const std::string_view count{PQcmdTuples(result_.get())};
    std::uint64_t changed = 0;
    std::from_chars(count.data(), count.data() + count.size(), changed);
    return changed;
}

bool Rows::is_null(std::size_t row, int column) const {
    return PQgetisnull(result_.get(), static_cast<int>(row), column) != 0;
}

std::string_view Rows::text(std::size_t row, int column) const {
    const int at = static_cast<int>(row);
    return {PQgetvalue(result_.get(), at, column), static_cast<std::size_t>(PQgetlength(result_.get(), at, column))};
}

std::optional<std::string> Rows::optional_text(std::size_t row, int column) const {
    if (is_null(row, column)) return std::nullopt;
    return std::string{text(row, column)};
}

std::int64_t Rows::integer(std::size_t row, int column) const {
    const auto bytes = text(row, column);
    assert(bytes.size() <= sizeof(std::int64_t));
    if (bytes.empty()) return 0;
    std::uint64_t value = static_cast<signed char>(bytes.front()) < 0 ? ~std::uint64_t{0} : 0;
    for (const char byte : bytes) value = value << 8U | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(value);
}

bool Rows::boolean(std::size_t row, int column) const {
    return integer(row, column) != 0;
}

base::TimePoint Rows::time(std::size_t row, int column) const {
    return from_postgres(integer(row, column));
}

std::optional<base::TimePoint> Rows::optional_time(std::size_t row, int column) const {
    if (is_null(row, column)) return std::nullopt;
    return time(row, column);
}

base::Digest Rows::digest(std::size_t row, int column) const {
    base::Digest digest{};
    const auto bytes = text(row, column);
    if (bytes.size() == digest.size()) std::memcpy(digest.data(), bytes.data(), bytes.size());
    return digest;
}

base::Uuid Rows::uuid(std::size_t row, int column) const {
    base::Uuid uuid;
    const auto bytes = text(row, column);
    if (bytes.size() == uuid.bytes.size()) std::memcpy(uuid.bytes.data(), bytes.data(), bytes.size());
    return uuid;
}

}  // namespace carillon::store::postgres
