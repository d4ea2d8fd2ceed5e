#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace carillon::base {

/// Writes lines to a descriptor on a thread of its own, those that came together in one write: whoever logs never waits
/// for a terminal, and a storm of lines wakes nobody for each. What would make more than `bytes_max` wait is dropped,
/// and a line says how many were. Thread: any.
class LogWriter {
 public:
    LogWriter(int descriptor, std::size_t bytes_max);
    ~LogWriter() { stop(); }
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    /// `line` without its end. Nothing after `stop`.
    void write(std::string_view line);
    /// Writes out what waits, as far as the descriptor takes it within a second, and ends the thread.
    void stop();
    /// Makes the line that tells of so many dropped ones.
    using DroppedLine = std::string (*)(std::uint64_t lines);
    /// Set before the first line.
    void on_dropped(DroppedLine dropped_line) { dropped_line_ = dropped_line; }

 private:
    void run();
    bool put(std::string_view bytes);

    // Constant after construction.
    const int descriptor_;
    const std::size_t bytes_max_;
    const std::size_t bytes_at_once_;
    DroppedLine dropped_line_ = nullptr;

    // Guarded by mutex_.
    std::mutex mutex_;
    std::condition_variable woken_;
    std::string waiting_;
    std::uint64_t dropped_ = 0;
    bool asleep_ = false;
    bool stopping_ = false;

    std::thread thread_;
};

}  // namespace carillon::base
