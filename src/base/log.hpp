#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace carillon::base {

enum class LogLevel { trace, debug, info, warn, error, off };
enum class LogFormat { text, json };

/// One `name=value` of a log line.
struct LogField {
    template <class T>
    LogField(std::string_view field_name, const T& field_value)
        : name{field_name}, value{fmt::format("{}", field_value)} {}

    std::string_view name;
    std::string value;
};

/// Sets the level and the form of the lines on stderr, and hands writing to a thread of its own, so that a stalled
/// terminal never blocks a shard: lines are dropped then, and counted. Called once, before other threads start.
void start_logging(LogLevel level, LogFormat format);

/// Writes out what is queued and stops the writing thread.
void stop_logging();

/// Writes one line. `message` is a fixed phrase that can be searched for; what varies goes into the fields. Control
/// characters are escaped, long values cut at 1,000 bytes. Never put a token, a cookie, a password or a query string
/// in. Thread: any.
void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

inline void log_debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::debug, message, fields);
}
inline void log_info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::info, message, fields);
}
inline void log_warn(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::warn, message, fields);
}
inline void log_error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::error, message, fields);
}

/// The line without its time and level, as `log` would write it. For tests of what is logged.
std::string format_log_line(LogFormat format, LogLevel level, std::string_view message,
                            std::initializer_list<LogField> fields);

}  // namespace carillon::base
