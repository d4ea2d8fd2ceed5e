#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace carillon::base {

/// Wall-clock time, UTC, in milliseconds: the resolution of everything stored or sent.
using TimePoint = std::chrono::sys_time<std::chrono::milliseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Where time comes from. Code that decides by time takes a `Clock&`, so that tests can move it.
/// Thread: any.
class Clock {
 public:
    virtual ~Clock() = default;
    virtual TimePoint now() const = 0;
    virtual SteadyTime steady_now() const = 0;
};

/// The machine's clocks.
Clock& system_clock();

/// "2026-11-23T08:17:13.042Z" (RFC 3339, UTC, always three decimals).
std::string to_iso8601(TimePoint time);

/// Reads an RFC 3339 date-time with any offset and any number of decimals (beyond milliseconds they are cut).
std::optional<TimePoint> parse_iso8601(std::string_view text);

}  // namespace carillon::base
