#include "loop/event_loop.hpp"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <thread>

namespace carillon::loop {

namespace asio = boost::asio;

struct EventLoop::Impl {
    explicit Impl(std::string thread_name) : name{std::move(thread_name)}, work{context.get_executor()} {}

    std::string name;
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work;
    std::thread thread;
};

EventLoop::EventLoop(std::string name) : impl_{std::make_unique<Impl>(std::move(name))} {}

EventLoop::~EventLoop() {
    stop();
    join();
}

Executor EventLoop::executor() {
    return impl_->context.get_executor();
}

void EventLoop::start() {
    impl_->thread = std::thread{[impl = impl_.get()] {
        pthread_setname_np(pthread_self(), impl->name.substr(0, 15).c_str());
        impl->context.run();
    }};
}

void EventLoop::stop() {
    impl_->context.stop();
}

void EventLoop::join() {
    if (impl_->thread.joinable()) impl_->thread.join();
}

struct ThreadPool::Impl {
    Impl(std::size_t threads, std::size_t queue) : pool{threads}, queue_max{queue} {}

    asio::thread_pool pool;
    const std::size_t queue_max;
    std::atomic<std::size_t> queued{0};
};

ThreadPool::ThreadPool(std::size_t threads, std::size_t queue_max)
    : impl_{std::make_unique<Impl>(threads, queue_max)} {}

ThreadPool::~ThreadPool() {
    impl_->pool.stop();
    impl_->pool.join();
}

bool ThreadPool::try_post(std::function<void()> work) {
    if (impl_->queued.fetch_add(1) >= impl_->queue_max) {
        --impl_->queued;
        return false;
    }
    asio::post(impl_->pool, [impl = impl_.get(), work = std::move(work)] {
        --impl->queued;
        work();
    });
    return true;
}

namespace {

sigset_t stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

}  // namespace

void block_stop_signals() {
    signal(SIGPIPE, SIG_IGN);
    const sigset_t set = stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int wait_for_stop_signal() {
    const sigset_t set = stop_signals();
    int signal_number = 0;
    sigwait(&set, &signal_number);
    return signal_number;
}

}  // namespace carillon::loop
