#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/ids.hpp"

extern "C" {
struct pg_result;
}

namespace carillon::store::postgres {

/// What one statement gave, in binary format: rows, or the number of rows it changed. Thread: one at a time.
class Rows {
 public:
    Rows() = default;
    explicit Rows(pg_result* owned) : result_{owned} {}

    std::size_t size() const;
    /// Rows that an INSERT, UPDATE or DELETE touched.
    std::uint64_t changed() const;

    // Columns from 0. Of a NULL: zero, or empty.
    bool is_null(std::size_t row, int column) const;
    std::int64_t integer(std::size_t row, int column) const;
    std::uint64_t number(std::size_t row, int column) const { return static_cast<std::uint64_t>(integer(row, column)); }
    bool boolean(std::size_t row, int column) const;
    std::string_view text(std::size_t row, int column) const;
    std::optional<std::string> optional_text(std::size_t row, int column) const;
    base::TimePoint time(std::size_t row, int column) const;
    std::optional<base::TimePoint> optional_time(std::size_t row, int column) const;
    base::Digest digest(std::size_t row, int column) const;
    template <class Id>
    Id id(std::size_t row, int column) const {
        return Id{uuid(row, column)};
    }

 private:
    struct Clear {
        void operator()(pg_result* result) const;
    };
    base::Uuid uuid(std::size_t row, int column) const;

    std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace carillon::store::postgres
