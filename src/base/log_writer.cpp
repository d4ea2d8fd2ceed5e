#include "base/log_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <utility>

namespace carillon::base {
namespace {

using namespace std::chrono_literals;

/// After a write, before the next: lines that come in a storm leave together.
constexpr auto kPause = 2ms;
constexpr auto kLastWords = 1s;
constexpr int kPollMs = 100;
constexpr std::size_t kFileBytesAtOnce = 64 * 1024;

/// A pipe that is writable takes PIPE_BUF bytes without blocking (pipe(7)); a file takes what it is given.
std::size_t bytes_at_once(int descriptor) {
    struct stat status {};
    return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) ? kFileBytesAtOnce : PIPE_BUF;
}

}  // namespace

LogWriter::LogWriter(int descriptor, std::size_t bytes_max)
    : descriptor_{descriptor}, bytes_max_{bytes_max}, bytes_at_once_{bytes_at_once(descriptor)} {
    thread_ = std::thread{[this] {
        pthread_setname_np(pthread_self(), "log");
        sigset_t all;
        ::sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        run();
    }};
}

void LogWriter::stop() {
    {
        const std::lock_guard lock{mutex_};
        if (std::exchange(stopping_, true)) return;
    }
    woken_.notify_one();
    thread_.join();
}

void LogWriter::write(std::string_view line) {
    bool wake = false;
    {
        const std::lock_guard lock{mutex_};
        if (stopping_) return;
        if (waiting_.size() + line.size() + 1 > bytes_max_) {
            ++dropped_;
            return;
        }
        waiting_ += line;
        waiting_.push_back('\n');
        wake = std::exchange(asleep_, false);
    }
    if (wake) woken_.notify_one();
}

void LogWriter::run() {
    std::string batch;
    std::unique_lock lock{mutex_};
    for (;;) {
        asleep_ = true;
        woken_.wait(lock, [this] { return !waiting_.empty() || stopping_; });
        asleep_ = false;
        if (waiting_.empty()) return;
        batch.swap(waiting_);
        if (const auto dropped = std::exchange(dropped_, 0); dropped > 0 && dropped_line_ != nullptr) {
            batch += dropped_line_(dropped);
            batch.push_back('\n');
        }
        lock.unlock();
        const bool open = put(batch);
        batch.clear();
        lock.lock();
        if (!open && stopping_) return;
        woken_.wait_for(lock, kPause, [this] { return stopping_; });
    }
}

bool LogWriter::put(std::string_view bytes) {
    auto give_up = std::chrono::steady_clock::time_point::max();
    while (!bytes.empty()) {
        pollfd ready{descriptor_, POLLOUT, 0};
        if (::poll(&ready, 1, kPollMs) == 0) {
            const auto now = std::chrono::steady_clock::now();
            const std::lock_guard lock{mutex_};
            if (!stopping_) continue;
            if (give_up == std::chrono::steady_clock::time_point::max()) give_up = now + kLastWords;
            if (now >= give_up) return false;
            continue;
        }
        const ssize_t put = ::write(descriptor_, bytes.data(), std::min(bytes.size(), bytes_at_once_));
        if (put < 0 && errno != EINTR && errno != EAGAIN) return false;
        if (put > 0) bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

}  // namespace carillon::base
