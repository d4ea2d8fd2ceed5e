#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "bus/nats/link.hpp"
#include "bus/nats/streams.hpp"

namespace carillon::bus {

/// Keeps one link up, and the streams in place: connects again when it is lost, and looks at the streams when it comes
/// up, every few seconds, and when told to. One thread of its own. Held by a shared pointer, because cnats calls back
/// late. Thread: any.
class LinkKeeper : public std::enable_shared_from_this<LinkKeeper> {
 public:
    struct Hooks {
        std::function<void(std::shared_ptr<Link>)> on_up;
        std::function<void()> on_down;
        std::function<void(std::string_view token, natsMsg* answer)> on_acknowledgement;
    };

    explicit LinkKeeper(NatsOptions options);
    ~LinkKeeper();
    LinkKeeper(const LinkKeeper&) = delete;
    LinkKeeper& operator=(const LinkKeeper&) = delete;

    void start(Hooks hooks);
    /// Closes the link and ends all waiting. Blocks until its thread has ended.
    void stop();

    /// Null when there is none now.
    std::shared_ptr<Link> current() const;
    /// Blocks until there is one; null once `ended` or the keeper stops.
    std::shared_ptr<Link> wait(const std::atomic<bool>& ended);
    /// Blocks for `time`, or until `ended` (after `wake`) or the keeper stops.
    void pause(std::chrono::milliseconds time, const std::atomic<bool>& ended);
    /// Those who wait look at their `ended` again.
    void wake();

    /// The stream is to be kept in place from now on.
    void need(StreamName stream);
    std::optional<StreamState> ensure(Link& link, StreamName stream) { return streams_.ensure(link, stream); }
    /// Something is wrong with a stream: look at them now.
    void check_soon();
    /// There is a link, and all streams are in place as far as is known.
    bool healthy() const { return healthy_; }
    TroubleLog& log() { return log_; }

 private:
    void run();
    std::shared_ptr<Link> connect();
    void watch(const std::shared_ptr<Link>& link);
    bool check_streams(Link& link);
    bool stopping() const;

    // Constant after construction.
    const NatsOptions options_;

    Hooks hooks_;  ///< constant after the start
    TroubleLog log_;
    Streams streams_{options_, log_};
    std::atomic<bool> healthy_{false};
    bool refused_ = false;  ///< a server was reached and would not have us; touched only on the thread

    // Guarded by mutex_.
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<Link> link_;
    std::set<StreamName> needed_;
    bool check_wanted_ = false;
    bool stopping_ = false;

    std::thread thread_;
};

}  // namespace carillon::bus
