#include "base/log.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

#include "base/clock.hpp"

namespace carillon::base {
namespace {

constexpr std::size_t kValueBytesMax = 1'000;
constexpr std::size_t kQueuedLinesMax = 8'192;

std::atomic<LogFormat> current_format{LogFormat::text};
std::atomic<LogLevel> current_level{LogLevel::info};

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

void start_logging(LogLevel level, LogFormat format) {
    current_format = format;
    current_level = level;
    spdlog::drop_all();
    spdlog::init_thread_pool(kQueuedLinesMax, 1);
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    auto logger = std::make_shared<spdlog::async_logger>("carillon", std::move(sink), spdlog::thread_pool(),
                                                         spdlog::async_overflow_policy::overrun_oldest);
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

void stop_logging() {
    spdlog::shutdown();
}

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
    if (level < current_level.load(std::memory_order_relaxed)) return;
    auto* logger = spdlog::default_logger_raw();
    if (logger == nullptr) return;
    const LogFormat format = current_format.load(std::memory_order_relaxed);
    const std::string time = to_iso8601(system_clock().now());
    const std::string line = format_log_line(format, level, message, fields);
    if (format == LogFormat::json) {
        logger->log(spdlog::level::info, fmt::format("{{\"time\":\"{}\",{}}}", time, line));
    } else {
        logger->log(spdlog::level::info, fmt::format("{} {:<5} {}", time, level_name(level), line));
    }
}

}  // namespace carillon::base
