#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "loop/suspend.hpp"

namespace carillon::bus {

/// How far one message has got.
struct SeenMessage {
    enum class State {
        in_flight,  ///< its publish runs
        failed,     ///< its publish failed; it may be published again
        done,       ///< everybody has had it
    };

    State state = State::in_flight;
    std::uint64_t sequence = 0;                            ///< 0: not yet given to the followers
    std::vector<std::string> acknowledged_by;              ///< the groups that are done with it
    std::vector<loop::Resume<base::Result<void>>> joined;  ///< publishes of the same id that wait for its result
    std::uint64_t finish_number = 0;                       ///< tells the last finish from earlier ones
};

/// Remembers message ids for a while: at least those in flight, and of the finished ones those of the last `window`, at
/// most `ids_max`. Not synchronised: guarded by the bus.
class SeenMessages {
 public:
    SeenMessages(std::chrono::milliseconds window, std::size_t ids_max) : window_{window}, ids_max_{ids_max} {}

    /// The message with that key, or a new one in flight that is not `known`.
    struct Entry {
        std::shared_ptr<SeenMessage> message;
        bool known = false;
    };
    Entry find_or_add(const std::string& key, base::SteadyTime now);
    /// The message's state is final for now; from here its age counts.
    void finished(const std::string& key, base::SteadyTime now);
    std::size_t size() const { return messages_.size(); }

 private:
    struct Finish {
        base::SteadyTime at;
        std::string key;
        std::uint64_t number = 0;
    };

    void forget_old(base::SteadyTime now);

    // Constant after construction.
    const std::chrono::milliseconds window_;
    const std::size_t ids_max_;
    // Guarded by the bus.
    std::unordered_map<std::string, std::shared_ptr<SeenMessage>> messages_;
    std::deque<Finish> finishes_;
    std::uint64_t last_finish_number_ = 0;
};

}  // namespace carillon::bus
