#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bus/bus.hpp"

namespace carillon::bus {

/// How one attempt, or the pause after it, ended.
struct AttemptEnd {
    enum class Kind {
        answered,   ///< the handler said `outcome`
        threw,      ///< it ended by an exception, in `reason`
        timed_out,  ///< it did not answer in time, or the pause is over
        left,       ///< the consumer left before the handler began
        closed,     ///< the bus was stopped
    };
    Kind kind = Kind::answered;
    Outcome outcome = Outcome::retry;
    std::string reason;
};

/// One suspended step of a delivery, which several may end: the first one counts. Thread: any.
class AttemptWait {
 public:
    explicit AttemptWait(std::function<void(AttemptEnd)> resume) : resume_{std::move(resume)} {}

    void end(AttemptEnd end) {
        if (ended_.exchange(true)) return;
        auto resume = std::move(resume_);
        resume(std::move(end));
    }

 private:
    std::atomic<bool> ended_{false};
    std::function<void(AttemptEnd)> resume_;
};

/// One of the competing consumers of a group.
struct GroupMember {
    explicit GroupMember(Consumer joined) : consumer{std::move(joined)} {}

    const Consumer consumer;
    std::atomic<bool> active{true};
};

/// The consumers that share one durable name and subject. Thread: any.
class ConsumerGroup {
 public:
    ConsumerGroup(std::string durable_name, std::string subject)
        : durable_name_{std::move(durable_name)}, subject_{std::move(subject)} {}

    const std::string& durable_name() const { return durable_name_; }
    const std::string& subject() const { return subject_; }

    std::shared_ptr<GroupMember> join(Consumer consumer);
    void leave(const std::shared_ptr<GroupMember>& member);
    /// The next one in turn; null when there is none.
    std::shared_ptr<GroupMember> next();
    /// All leave.
    void end();

 private:
    // Constant after construction.
    const std::string durable_name_;
    const std::string subject_;
    // Guarded by mutex_.
    std::mutex mutex_;
    std::vector<std::shared_ptr<GroupMember>> members_;
    std::size_t turn_ = 0;
};

/// Runs the member's handler once, on the member's executor, and ends `wait` with what came of it.
loop::Task<void> attempt_delivery(std::shared_ptr<GroupMember> member, Delivery delivery,
                                  std::shared_ptr<AttemptWait> wait);

}  // namespace carillon::bus
