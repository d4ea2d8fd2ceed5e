#pragma once

#include <memory>
#include <string>

#include "loop/task.hpp"

namespace carillon::loop {

/// One thread with one `io_context{1}`: a shard, or a service's own loop. Owned by `app/`. The thread starts with
/// `start()`, works until `stop()`, and is joined by the destructor.
class EventLoop {
 public:
    /// `name` is the thread's name in the system's tools (at most 15 characters).
    explicit EventLoop(std::string name);
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    Executor executor();
    void start();
    /// Stops as soon as the running handler returns; what is queued is dropped. Thread: any.
    void stop();
    /// Waits for the thread after `stop()`.
    void join();

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Threads for work that would block a loop (password hashing). At most `queue_max` pieces wait.
class ThreadPool {
 public:
    ThreadPool(std::size_t threads, std::size_t queue_max);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    /// Runs `work` on a thread of the pool, later. False, and `work` untouched, when the queue is full. Thread: any.
    [[nodiscard]] bool try_post(std::function<void()> work);

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Waits for SIGINT or SIGTERM and returns its number. Blocks the calling thread; call from main, before other threads
/// start call `block_stop_signals()` so that none of them takes the signal.
void block_stop_signals();
int wait_for_stop_signal();

}  // namespace carillon::loop
