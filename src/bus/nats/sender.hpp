#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "bus/errc.hpp"
#include "bus/nats/link_keeper.hpp"
#include "loop/suspend.hpp"

namespace carillon::bus {

/// Everything that loops write goes through here, so that a full socket never blocks one: a thread writes, another
/// reads the acknowledgements. Many publishes are under way at once; they leave in the order in which they were
/// submitted. Thread: any.
class Sender {
 public:
    using Done = loop::Resume<base::Result<void>>;

    Sender(NatsOptions options, std::shared_ptr<LinkKeeper> keeper);
    ~Sender();
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;

    void start();
    /// Blocks until what was submitted before is written, at most for `deadline`.
    void flush(std::chrono::milliseconds deadline);
    /// What waits for its acknowledgement ends with errc::closed. Blocks until the threads have ended; the keeper's
    /// link must be closed before.
    void stop();

    /// Publishes and calls `done` once: with success when JetStream has stored it. `done` does not block.
    void publish(Outgoing message, Done done);
    /// Runs `work` on the writing thread, with the link of the moment. Dropped when there is none: for what NATS asks
    /// for again (acknowledgements of deliveries).
    void post(std::function<void(Link&)> work);

    /// What JetStream answered to a publish.
    void on_acknowledgement(std::string_view token, natsMsg* answer);

    void link_up(const std::shared_ptr<Link>& link);
    /// What was in flight may or may not have been stored: errc::unavailable.
    void link_down();

 private:
    struct Item {
        Outgoing message;
        Done done;
        std::function<void(Link&)> work;
    };
    struct Pending {
        Done done;
        std::string subject;
        std::chrono::steady_clock::time_point deadline;
    };
    using Ended = std::vector<std::pair<Done, base::Result<void>>>;

    void write();
    void write_one(Link* link, Item item);
    void expire();
    void finish(std::uint64_t id, base::Result<void> result);
    void refuse(const std::string& subject, natsStatus status, int code, std::string detail);
    static void end(Ended ended);

    // Constant after construction.
    const NatsOptions options_;
    const std::shared_ptr<LinkKeeper> keeper_;

    // Guarded by mutex_.
    std::mutex mutex_;
    std::condition_variable work_;
    std::deque<Item> queue_;
    std::map<std::uint64_t, Pending> pending_;  // by id; ids and deadlines grow together
    std::uint64_t last_id_ = 0;
    std::size_t waiting_ = 0;  // publishes in the queue
    std::size_t writing_ = 0;  // publishes that the writer has taken and not yet written
    std::shared_ptr<Link> link_;
    bool stopping_ = false;

    std::thread writer_;
};

}  // namespace carillon::bus
