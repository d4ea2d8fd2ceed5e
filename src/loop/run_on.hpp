#pragma once

#include <boost/asio/co_spawn.hpp>

#include "loop/task.hpp"

namespace carillon::loop {

/// Runs `task` on another executor and comes back with its value (or its exception) on the caller's own. The caller's
/// objects that the task refers to must outlive it. How a direct call crosses threads.
template <class T>
Task<T> run_on(Executor executor, Task<T> task) {
    co_return co_await boost::asio::co_spawn(std::move(executor), std::move(task), boost::asio::use_awaitable);
}

}  // namespace carillon::loop
