#include "loop/task.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "loop/event_loop.hpp"
#include "loop/run_on.hpp"
#include "loop/suspend.hpp"

namespace carillon::loop {
namespace {

using namespace std::chrono_literals;

struct Recorder {
    std::promise<int> value;
    std::promise<std::thread::id> resumed_on;
};

Task<void> await_callback(Recorder& recorder, std::function<void(Resume<int>)> start) {
    const int value = co_await suspend<int>(start);
    recorder.resumed_on.set_value(std::this_thread::get_id());
    recorder.value.set_value(value);
}

TEST(Suspend, ResumesOnTheCoroutinesOwnThreadWithTheValue) {
    EventLoop loop{"test"};
    loop.start();
    std::promise<std::thread::id> loop_thread;
    post(loop.executor(), [&] { loop_thread.set_value(std::this_thread::get_id()); });
    Recorder recorder;
    std::thread other;
    std::function<void(Resume<int>)> start = [&](Resume<int> resume) {
        other = std::thread{[resume = std::move(resume)] { resume(42); }};
    };
    spawn(loop.executor(), await_callback(recorder, start), "test");
    EXPECT_EQ(recorder.value.get_future().get(), 42);
    EXPECT_EQ(recorder.resumed_on.get_future().get(), loop_thread.get_future().get());
    other.join();
}

TEST(Suspend, ACopyOfTheResumeThatOutlivesItsLoopIsHarmless) {
    Resume<int> kept;
    Recorder recorder;
    {
        EventLoop loop{"test"};
        loop.start();
        std::promise<void> started;
        std::function<void(Resume<int>)> start = [&](Resume<int> resume) {
            kept = std::move(resume);
            started.set_value();
        };
        spawn(loop.executor(), await_callback(recorder, start), "test");
        started.get_future().wait();
        kept(42);
        EXPECT_EQ(recorder.value.get_future().get(), 42);
    }
    kept = nullptr;
}

Task<std::thread::id> thread_id() {
    co_return std::this_thread::get_id();
}

Task<void> cross(Executor there, std::promise<std::pair<std::thread::id, std::thread::id>>& out) {
    const auto other = co_await run_on(there, thread_id());
    out.set_value({other, std::this_thread::get_id()});
}

TEST(RunOn, CrossesAndComesBack) {
    EventLoop here{"here"};
    EventLoop there{"there"};
    here.start();
    there.start();
    std::promise<std::pair<std::thread::id, std::thread::id>> ids;
    spawn(here.executor(), cross(there.executor(), ids), "test");
    const auto [other, own] = ids.get_future().get();
    EXPECT_NE(other, own);
}

Task<void> throws() {
    co_await yield_now();
    throw std::runtime_error("expected by the test");
}

TEST(Spawn, CountsATaskThatFails) {
    EventLoop loop{"test"};
    loop.start();
    const auto before = failed_tasks();
    spawn(loop.executor(), throws(), "failing");
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (failed_tasks() == before && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(failed_tasks(), before + 1);
}

TEST(ThreadPool, RefusesWhatItsQueueCannotHold) {
    ThreadPool pool{1, 1};
    std::promise<void> gate;
    auto opened = gate.get_future().share();
    std::promise<void> running;
    ASSERT_TRUE(pool.try_post([&running, opened] {
        running.set_value();
        opened.wait();
    }));
    running.get_future().wait();
    EXPECT_TRUE(pool.try_post([] {}));
    EXPECT_FALSE(pool.try_post([] {}));
    gate.set_value();
}

}  // namespace
}  // namespace carillon::loop
