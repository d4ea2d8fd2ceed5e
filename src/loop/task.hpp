#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace carillon::loop {

/// A coroutine that runs on one executor. What every asynchronous port returns.
template <class T>
using Task = boost::asio::awaitable<T>;

using Executor = boost::asio::any_io_executor;

/// Starts `task` on `executor` and forgets it. If it ends by an exception that is logged as an error with `name` and
/// counted (`failed_tasks`). Thread: any.
void spawn(Executor executor, Task<void> task, std::string name);

/// How many spawned tasks ended by an exception since the process started.
std::uint64_t failed_tasks();

/// Runs `work` on `executor`'s thread, later. Thread: any.
void post(const Executor& executor, std::function<void()> work);

/// The executor the calling coroutine runs on.
Task<Executor> this_executor();

/// Suspends for `duration`. Cancelled (returns early) when the coroutine is.
Task<void> sleep_for(std::chrono::milliseconds duration);

/// Hops to the end of the queue of the coroutine's own executor.
Task<void> yield_now();

}  // namespace carillon::loop
