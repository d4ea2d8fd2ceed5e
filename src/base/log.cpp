#include "base/log.hpp"

#include <unistd.h>

#include <atomic>
#include <deque>

#include "base/clock.hpp"
#include "base/log_enabled.hpp"
#include "base/log_writer.hpp"

namespace carillon::base {
namespace {

constexpr std::size_t kValueBytesMax = 1'000;
constexpr std::size_t kWaitingBytesMax = 4'000'000;

std::atomic<LogFormat> current_format{LogFormat::text};
std::atomic<LogLevel> current_level{LogLevel::info};
/// Null before `start_logging` and after `stop_logging`: lines are written where they are made.
std::atomic<LogWriter*> writer{nullptr};

std::string_view level_name(LogLevel level) {
    switch (level) {
        case LogLevel::trace:
            return "trace";
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warn:
            return "warn";
        case LogLevel::error:
            return "error";
        case LogLevel::off:
            break;
    }
    return "off";
}

void append_escaped(std::string& out, std::string_view value) {
    const bool cut = value.size() > kValueBytesMax;
    for (char c : value.substr(0, kValueBytesMax)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte < 0x20 || byte == 0x7F) {
            out += fmt::format("\\u{:04x}", byte);
        } else {
            out.push_back(c);
        }
    }
    if (cut) out += "...";
}

bool needs_quotes(std::string_view value) {
    if (value.empty()) return true;
    for (char c : value) {
        if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == '\\' || c == 0x7F) return true;
    }
    return false;
}

void append_quoted(std::string& out, std::string_view value) {
    out.push_back('"');
    append_escaped(out, value);
    out.push_back('"');
}

}  // namespace

std::string format_log_line(LogFormat format, LogLevel level, std::string_view message,
                            std::initializer_list<LogField> fields) {
    std::string line;
    if (format == LogFormat::json) {
        line = "\"level\":\"";
        line += level_name(level);
        line += "\",\"msg\":";
        append_quoted(line, message);
        for (const auto& field : fields) {
            line.push_back(',');
            append_quoted(line, field.name);
            line.push_back(':');
            append_quoted(line, field.value);
        }
        return line;
    }
    append_escaped(line, message);
    for (const auto& field : fields) {
        line.push_back(' ');
        line += field.name;
        line.push_back('=');
        if (needs_quotes(field.value) || field.value.size() > kValueBytesMax) {
            append_quoted(line, field.value);
        } else {
            line += field.value;
        }
    }
    return line;
}

namespace {

std::string whole_line(LogFormat format, LogLevel level, std::string_view message,
                       std::initializer_list<LogField> fields) {
    const std::string time = to_iso8601(system_clock().now());
    const std::string line = format_log_line(format, level, message, fields);
    if (format == LogFormat::json) return fmt::format("{{\"time\":\"{}\",{}}}", time, line);
    return fmt::format("{} {:<5} {}", time, level_name(level), line);
}

std::string dropped_line(std::uint64_t lines) {
    return whole_line(current_format, LogLevel::warn, "log lines were dropped: they came too fast", {{"lines", lines}});
}

}  // namespace

void start_logging(LogLevel level, LogFormat format) {
    current_format = format;
    current_level = level;
    // Never freed while the process runs: a thread that nobody waits for may still be about to write.
    static std::deque<LogWriter> all;
    LogWriter& made = all.emplace_back(STDERR_FILENO, kWaitingBytesMax);
    made.on_dropped(dropped_line);
    writer = &made;
}

void stop_logging() {
    if (LogWriter* const last = writer.exchange(nullptr)) last->stop();
}

bool log_enabled(LogLevel level) {
    return level >= current_level.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
    if (!log_enabled(level)) return;
    std::string line = whole_line(current_format.load(std::memory_order_relaxed), level, message, fields);
    if (LogWriter* const to = writer.load(std::memory_order_acquire)) return to->write(line);
    line.push_back('\n');
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace carillon::base
