#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "bus/bus.hpp"

namespace carillon::bus {

/// What was announced, on its way to a listener's executor. Bounded: what comes while too much waits is dropped, as any
/// announcement may be. Held by a shared pointer. Thread: any.
class ListenerInbox : public std::enable_shared_from_this<ListenerInbox> {
 public:
    static constexpr std::size_t kWaitingMax = 10'000;

    explicit ListenerInbox(Listener listener) : listener_{std::move(listener)} {}

    const std::string& subject() const { return listener_.subject; }
    void push(std::string payload) {
        if (ended_ || waiting_ >= kWaitingMax) return;
        ++waiting_;
        loop::post(listener_.executor, [self = shared_from_this(), payload = std::move(payload)] {
            --self->waiting_;
            if (!self->ended_) self->listener_.on_message(payload);
        });
    }
    /// No call to the listener starts after this.
    void end() { ended_ = true; }
    bool ended() const { return ended_; }

 private:
    const Listener listener_;
    std::atomic<std::size_t> waiting_{0};
    std::atomic<bool> ended_{false};
};

}  // namespace carillon::bus
