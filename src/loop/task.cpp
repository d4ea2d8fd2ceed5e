#include "loop/task.hpp"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/log.hpp"

namespace carillon::loop {
namespace {

namespace asio = boost::asio;

std::atomic<std::uint64_t> failures{0};

}  // namespace

void spawn(Executor executor, Task<void> task, std::string name) {
    asio::co_spawn(executor, std::move(task), [name = std::move(name)](std::exception_ptr failure) {
        if (!failure) return;
        ++failures;
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            base::log_error("a task failed", {{"task", name}, {"error", error.what()}});
        } catch (...) {
            base::log_error("a task failed", {{"task", name}, {"error", "not a standard exception"}});
        }
    });
}

std::uint64_t failed_tasks() {
    return failures.load();
}

void post(const Executor& executor, std::function<void()> work) {
    asio::post(executor, std::move(work));
}

Task<Executor> this_executor() {
    co_return co_await asio::this_coro::executor;
}

Task<void> sleep_for(std::chrono::milliseconds duration) {
    asio::steady_timer timer{co_await asio::this_coro::executor, duration};
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

Task<void> yield_now() {
    const auto executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
}

}  // namespace carillon::loop
