#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <cassert>
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
    auto initiate = [&start](auto handler) {
        // The executor is kept running until the answer is there, and not longer: everything that belongs to its loop
        // goes into the posted function. A copy of the `Resume` that outlives the loop holds nothing of it.
        auto own = boost::asio::get_associated_executor(handler);
        auto guard = boost::asio::make_work_guard(own);
        struct Waiting {
            decltype(handler) resume;
            decltype(own) executor;
            decltype(guard) work;
        };
        auto waiting = std::make_shared<std::optional<Waiting>>(Waiting{std::move(handler), own, std::move(guard)});
        start([waiting](T value) {
            assert(waiting->has_value() && "a coroutine is resumed once");
            const auto executor = (*waiting)->executor;
            auto posted = [now = std::move(**waiting), value = std::move(value)]() mutable {
                now.work.reset();
                std::move(now.resume)(std::move(value));
            };
            waiting->reset();
            boost::asio::post(executor, std::move(posted));
        });
    };
    co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(T)>(
        initiate, boost::asio::use_awaitable);
}

}  // namespace carillon::loop
