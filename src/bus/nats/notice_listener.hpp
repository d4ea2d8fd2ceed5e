#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "bus/listener_inbox.hpp"
#include "bus/nats/link_keeper.hpp"

namespace carillon::bus {

/// A plain subscription of NATS, without JetStream, over as many links as it takes. What is announced while there is no
/// link is not heard. One thread of its own, which ends with `end` or with the keeper.
class NoticeListener {
 public:
    NoticeListener(LinkKeeper& keeper, Listener listener);
    ~NoticeListener();
    NoticeListener(const NoticeListener&) = delete;
    NoticeListener& operator=(const NoticeListener&) = delete;

    void start();
    /// No call to the listener starts after this. Thread: any; does not block.
    void end();
    /// Blocks until the thread has ended; after `end`, or when the keeper has stopped.
    void join();

 private:
    void run();
    void read(Link& link);

    LinkKeeper& keeper_;
    const std::shared_ptr<ListenerInbox> inbox_;
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

}  // namespace carillon::bus
