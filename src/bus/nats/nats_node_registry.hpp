#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "bus/nats/link_keeper.hpp"
#include "bus/node_registry.hpp"
#include "loop/suspend.hpp"

namespace carillon::bus {

/// `NodeRegistry` in the NATS KV bucket `CARILLON_NODES`: a key for each node, with its URL, which NATS forgets when it
/// has not been written for `NatsOptions::node_ttl`. It is written anew three times in that time. What was found is
/// remembered for half of it. One thread of its own asks and writes. Made by `NatsBus::node_registry`, whose connection
/// it uses.
class NatsNodeRegistry final : public NodeRegistry {
 public:
    NatsNodeRegistry(const NatsOptions& options, std::shared_ptr<LinkKeeper> keeper);
    ~NatsNodeRegistry() override;
    NatsNodeRegistry(const NatsNodeRegistry&) = delete;
    NatsNodeRegistry& operator=(const NatsNodeRegistry&) = delete;

    void join(Node self) override;
    void leave() override;
    loop::Task<base::Result<std::optional<std::string>>> find(std::string id) override;
    void doubt(const std::string& id) override;

    /// Ends without taking the entry back, as a process does that dies. For tests, and for a bus that stops first.
    void stop();

 private:
    using Found = base::Result<std::optional<std::string>>;
    using Time = std::chrono::steady_clock::time_point;
    struct Known {
        std::optional<std::string> url;
        Time until;
    };
    struct Bucket;

    void run();
    bool open_bucket();
    void look_at_age();
    bool write(const Node& self);
    void look_up(const std::string& id);
    void tell(const char* what, natsStatus status);
    void fail_all(base::ErrorCode error);
    std::chrono::milliseconds renew_interval() const;

    // Constant after construction.
    const NatsOptions options_;
    const std::shared_ptr<LinkKeeper> keeper_;

    // Touched only on the thread.
    std::unique_ptr<Bucket> bucket_;
    std::chrono::milliseconds bucket_ttl_;
    bool age_told_ = false;

    // Guarded by mutex_.
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Node> self_;
    std::optional<std::string> leaving_;  ///< an id to be taken back
    bool joined_ = false;                 ///< `self_` was written
    Time write_at_{};
    std::map<std::string, Known> known_;
    std::map<std::string, std::vector<loop::Resume<Found>>> asking_;
    std::size_t waiting_ = 0;
    bool stopping_ = false;

    std::thread thread_;
};

}  // namespace carillon::bus
