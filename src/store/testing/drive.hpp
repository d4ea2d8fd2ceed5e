#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "loop/task.hpp"

/// Driving coroutines from tests.
namespace carillon::store::testing {

/// No call of a store takes as long as this; a test that waits longer is ended, loudly.
inline constexpr std::chrono::seconds kTestDeadline{60};

/// A running loop, the same for all tests of the process: it outlives the stores, as a loop must. A forked child gets
/// one of its own.
loop::Executor test_executor();

template <class T>
loop::Task<void> fulfil(loop::Task<T> task, std::shared_ptr<std::promise<T>> promise) {
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(task);
            promise->set_value();
        } else {
            promise->set_value(co_await std::move(task));
        }
    } catch (...) {
        promise->set_exception(std::current_exception());
    }
}

template <class T>
std::future<T> start(loop::Task<T> task) {
    auto promise = std::make_shared<std::promise<T>>();
    auto future = promise->get_future();
    loop::spawn(test_executor(), fulfil<T>(std::move(task), std::move(promise)), "test");
    return future;
}

template <class T>
T wait_for(std::future<T> future) {
    if (future.wait_for(kTestDeadline) != std::future_status::ready) {
        std::fputs("a coroutine under test did not end in time\n", stderr);
        std::abort();  // its frame lives on the loop and refers to the test
    }
    return future.get();
}

/// Runs `task` on the loop and returns its value.
template <class T>
T run(loop::Task<T> task) {
    return wait_for(start(std::move(task)));
}

/// Runs all of them at once, started in their order, until the last has ended.
inline void run_all(std::vector<loop::Task<void>> tasks) {
    std::vector<std::future<void>> futures;
    for (auto& task : tasks) futures.push_back(start(std::move(task)));
    for (auto& future : futures) wait_for(std::move(future));
}

}  // namespace carillon::store::testing
