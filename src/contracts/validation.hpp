#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace carillon::contracts {

/// What is wrong with one field. `path` is a JSON Pointer (RFC 6901): "/data/url", "" for the whole document.
struct FieldError {
    std::string path;
    std::string message;

    bool operator==(const FieldError&) const = default;
};

/// Why a document is refused.
struct Invalid {
    enum class Kind {
        not_json,  ///< it is no JSON text (RFC 8259) that we take: syntax, UTF-8, size, depth, a name twice (400)
        breaks_contract,  ///< it is JSON and breaks the schema (422, `invalid_payload`)
    };

    Kind kind = Kind::breaks_contract;
    std::vector<FieldError> errors;  ///< at least one, at most kFieldErrorsMax

    /// One line for a log or an ack: "/title: must have 1 to 200 characters". Holds names and rules, never values.
    std::string summary() const;
};

inline constexpr std::size_t kFieldErrorsMax = 20;

/// A decoded payload, or why it is refused.
template <class T>
class Decoded {
 public:
    Decoded(T value) : state_{std::in_place_index<0>, std::move(value)} {}
    Decoded(Invalid invalid) : state_{std::in_place_index<1>, std::move(invalid)} {}

    bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    /// Only with a value.
    const T& value() const& {
        assert(has_value());
        return *std::get_if<0>(&state_);
    }
    T& value() & {
        assert(has_value());
        return *std::get_if<0>(&state_);
    }
    T&& value() && {
        assert(has_value());
        return std::move(*std::get_if<0>(&state_));
    }
    const T& operator*() const& { return value(); }
    T& operator*() & { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    const T* operator->() const { return &value(); }
    T* operator->() { return &value(); }

    /// Only without a value.
    const Invalid& error() const {
        assert(!has_value());
        return *std::get_if<1>(&state_);
    }

 private:
    std::variant<T, Invalid> state_;
};

}  // namespace carillon::contracts
