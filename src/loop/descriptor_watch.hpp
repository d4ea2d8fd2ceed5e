#pragma once

#include <functional>
#include <memory>

#include "loop/task.hpp"

namespace carillon::loop {

/// Tells when a file descriptor that somebody else owns (a client library's socket) can be read or written; touches no
/// byte of it. Ready also means closed by the other side, or broken: the next read will tell.
///
/// The descriptor must stay open until the watch is gone. Thread: the executor's, one for all calls and callbacks.
class DescriptorWatch {
 public:
    /// Throws `std::system_error` when the descriptor cannot be watched.
    DescriptorWatch(const Executor& executor, int descriptor);
    /// Callbacks that still wait are dropped.
    ~DescriptorWatch();
    DescriptorWatch(const DescriptorWatch&) = delete;
    DescriptorWatch& operator=(const DescriptorWatch&) = delete;

    /// Calls `then` once, later. One may wait for each direction.
    void when_readable(std::function<void()> then);
    void when_writable(std::function<void()> then);

 private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace carillon::loop
