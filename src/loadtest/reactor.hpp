#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace carillon::loadtest {

/// Whoever waits for a file descriptor.
class Watcher {
 public:
    /// `events`: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP.
    virtual void on_ready(std::uint32_t events) = 0;
    /// At the end of the turn, after `Reactor::flush_later`.
    virtual void on_flush() = 0;

 protected:
    ~Watcher() = default;
};

/// epoll on one thread: the whole load test runs on it. Not Asio, because a generator must cost less than what it
/// measures: one system call for up to a thousand sockets, no allocation for a wait. A descriptor must not be opened
/// anew from inside `on_ready`: an event of the old one may still be in the turn.
class Reactor {
 public:
    Reactor();
    ~Reactor();
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    /// Waits for readability, and for writability when asked.
    void watch(int descriptor, Watcher& watcher, bool writable);
    void change(int descriptor, Watcher& watcher, bool writable);
    /// `watcher.on_flush()` is called before the next wait. Once for each call.
    void flush_later(Watcher& watcher) { to_flush_.push_back(&watcher); }
    /// Drops what `flush_later` promised.
    void forget(Watcher& watcher);

    /// One turn: flushes, waits for at most `timeout`, hands out what is ready, flushes.
    void turn(std::chrono::milliseconds timeout);

 private:
    void flush();

    int epoll_ = -1;
    std::vector<Watcher*> to_flush_;
    std::vector<epoll_event> events_;
};

}  // namespace carillon::loadtest
