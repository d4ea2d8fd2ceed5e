#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carillon::gateway {

/// When a socket took its id. Sockets that took one at the same microsecond are told apart by a random number.
struct Entrance {
    std::int64_t at_us = 0;  ///< since the Unix epoch, by the clock of its gateway
    std::uint64_t number = 0;

    auto operator<=>(const Entrance&) const = default;
};

/// Told to every gateway when a client has come back: an older socket with that id is to leave.
struct RecoveryNotice {
    std::string socket_id;
    Entrance entrance;

    bool operator==(const RecoveryNotice&) const = default;
};

/// The subject of notices between gateways: outside of all streams, at most once.
inline constexpr const char* kRecoverySubject = "gateway.recovered";

std::string encode_recovery_notice(const RecoveryNotice& notice);
std::optional<RecoveryNotice> decode_recovery_notice(std::string_view json);

/// Whether the socket that entered `entrance`, `age` ago by a clock that does not jump, is the older one. Notices
/// arrive at once, so one that comes long after we entered is of a newer socket, whatever the clocks of the two
/// machines say; only when both entered within `kClockDoubt` do the clocks decide, for both in the same way.
inline constexpr std::chrono::seconds kClockDoubt{2};
bool is_older(const Entrance& entrance, std::chrono::milliseconds age, const RecoveryNotice& notice);

}  // namespace carillon::gateway
