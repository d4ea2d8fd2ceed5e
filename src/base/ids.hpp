#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace carillon::base {

/// 16 bytes of a UUID (RFC 9562), big-endian as written.
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};

    auto operator<=>(const Uuid&) const = default;

    /// Reads the 36-character form, either case, any version and variant. Nothing else is a UUID.
    static std::optional<Uuid> parse(std::string_view text);
    /// Version 7: 48 bits of `now` in milliseconds, then random bits, ordered within one process and millisecond.
    static Uuid generate_v7(TimePoint now);
    /// Lower case, with hyphens.
    std::string to_string() const;
};

/// A UUID that cannot be mistaken for another kind's.
template <class Tag>
struct Id {
    Uuid uuid;

    auto operator<=>(const Id&) const = default;

    static std::optional<Id> parse(std::string_view text) {
        if (auto uuid = Uuid::parse(text)) return Id{*uuid};
        return std::nullopt;
    }
    static Id generate(const Clock& clock) { return Id{Uuid::generate_v7(clock.now())}; }
    std::string to_string() const { return uuid.to_string(); }
};

using UserId = Id<struct UserTag>;
using NotificationId = Id<struct NotificationTag>;
using EventId = Id<struct EventTag>;

/// The version of a user's inbox or of one change to it: from 1, dense; 0 is "before any change". Travels as a decimal
/// string, because it may pass 2^53.
using Version = std::uint64_t;

/// Reads a decimal version: digits only, no leading zero but "0" itself, at most 2^63 - 1.
std::optional<Version> parse_version(std::string_view text);

/// Fills `size` bytes at `out` from the operating system's generator.
void random_bytes(void* out, std::size_t size);

}  // namespace carillon::base

template <class Tag>
struct std::hash<carillon::base::Id<Tag>> {
    std::size_t operator()(const carillon::base::Id<Tag>& id) const noexcept {
        // The id may come from outside (any UUID is a user), so all 16 bytes take part.
        std::uint64_t high = 0;
        std::uint64_t low = 0;
        std::memcpy(&high, id.uuid.bytes.data(), 8);
        std::memcpy(&low, id.uuid.bytes.data() + 8, 8);
        high ^= low * 0x9E3779B97F4A7C15ULL;
        high ^= high >> 32;
        return static_cast<std::size_t>(high * 0xD6E8FEB86659FD93ULL);
    }
};
