#include "loadtest/reactor.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace carillon::loadtest {
namespace {

constexpr std::size_t kEventsPerTurn = 1024;

epoll_event interest(Watcher& watcher, bool writable) {
    epoll_event event{};
    event.events = EPOLLIN | (writable ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
    event.data.ptr = &watcher;
    return event;
}

}  // namespace

Reactor::Reactor() : epoll_{::epoll_create1(EPOLL_CLOEXEC)}, events_(kEventsPerTurn) {
    if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Reactor::~Reactor() {
    ::close(epoll_);
}

void Reactor::watch(int descriptor, Watcher& watcher, bool writable) {
    auto event = interest(watcher, writable);
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
}

void Reactor::change(int descriptor, Watcher& watcher, bool writable) {
    auto event = interest(watcher, writable);
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event);
}

void Reactor::forget(Watcher& watcher) {
    std::replace(to_flush_.begin(), to_flush_.end(), &watcher, static_cast<Watcher*>(nullptr));
}

void Reactor::flush() {
    // By index: a flush may ask for another one.
    for (std::size_t i = 0; i < to_flush_.size(); ++i) {
        if (Watcher* const watcher = to_flush_[i]) watcher->on_flush();
    }
    to_flush_.clear();
}

void Reactor::turn(std::chrono::milliseconds timeout) {
    flush();
    const int ready =
        ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), static_cast<int>(timeout.count()));
    for (int i = 0; i < ready; ++i) {
        const auto& event = events_[static_cast<std::size_t>(i)];
        static_cast<Watcher*>(event.data.ptr)->on_ready(event.events);
    }
    flush();
}

}  // namespace carillon::loadtest
