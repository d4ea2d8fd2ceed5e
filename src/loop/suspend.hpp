#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "loop/task.hpp"

namespace carillon::loop {

/// Called once, from any thread, to resume a suspended coroutine with a value. Copies share the one call.
template <class T>
using Resume = std::function<void(T)>;

/// Suspends the coroutine and hands `start` a `Resume`; the coroutine goes on, on its own executor, with the value it
/// is called with. The bridge from callbacks and other threads. `start` runs at once, on the coroutine's thread.
/// Whoever gets the `Resume` must call it in the end: a coroutine has no other way out of here.
///
/// Assign `start` to a variable first and await second (g++ 12 frees a capturing lambda twice that is written inside
/// the full expression of a co_await).
template <class T>
Task<T> suspend(std::function<void(Resume<T>)> start) {
    // The executor is kept alive and running until the answer is there.
    auto initiate = [&start](auto handler) {
        auto executor = boost::asio::get_associated_executor(handler);
        auto work = boost::asio::make_work_guard(executor);
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        start([shared, executor, work = std::move(work)](T value) {
            auto boxed = std::make_shared<T>(std::move(value));
            boost::asio::post(executor, [shared, boxed] { std::move (*shared)(std::move(*boxed)); });
        });
    };
    co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(T)>(
        initiate, boost::asio::use_awaitable);
}

}  // namespace carillon::loop
