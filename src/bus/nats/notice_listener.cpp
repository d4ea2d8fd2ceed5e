#include "bus/nats/notice_listener.hpp"

#include <pthread.h>

#include "bus/nats/nats_handle.hpp"

namespace carillon::bus {
namespace {

using namespace std::chrono_literals;

constexpr auto kRetryPause = 250ms;
/// Short waits, so that the end is noticed.
constexpr auto kSlice = 200ms;

}  // namespace

NoticeListener::NoticeListener(LinkKeeper& keeper, Listener listener)
    : keeper_{keeper}, inbox_{std::make_shared<ListenerInbox>(std::move(listener))} {}

NoticeListener::~NoticeListener() {
    end();
    join();
}

void NoticeListener::start() {
    thread_ = std::thread{[this] {
        pthread_setname_np(pthread_self(), "nats-listener");
        run();
    }};
}

void NoticeListener::end() {
    ended_ = true;
    inbox_->end();
    keeper_.wake();
}

void NoticeListener::join() {
    if (thread_.joinable()) thread_.join();
}

void NoticeListener::run() {
    while (!ended_) {
        const auto link = keeper_.wait(ended_);
        if (!link) return;
        read(*link);
        keeper_.pause(kRetryPause, ended_);
    }
}

void NoticeListener::read(Link& link) {
    const auto subscription = link.subscribe(inbox_->subject());
    if (!subscription) return;
    while (!ended_ && !link.closed()) {
        natsMsg* raw = nullptr;
        const auto status = natsSubscription_NextMsg(&raw, subscription.get(), kSlice.count());
        const MsgHandle message{raw};
        if (status == NATS_TIMEOUT) continue;
        if (status != NATS_OK) return;
        inbox_->push(std::string{payload_of(raw)});
    }
}

}  // namespace carillon::bus
