#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bus/bus.hpp"

namespace carillon::bus::testing {

/// Writes down what a consumer or a follower is given. Thread: any.
class Recorder {
 public:
    struct Entry {
        Delivery delivery;
        std::thread::id thread;
    };

    void add(const Delivery& delivery) {
        const std::lock_guard lock{mutex_};
        entries_.push_back({delivery, std::this_thread::get_id()});
    }
    std::vector<Entry> entries() const {
        const std::lock_guard lock{mutex_};
        return entries_;
    }
    std::size_t size() const {
        const std::lock_guard lock{mutex_};
        return entries_.size();
    }
    std::vector<std::string> payloads() const {
        const std::lock_guard lock{mutex_};
        std::vector<std::string> all;
        for (const auto& entry : entries_) all.push_back(entry.delivery.message.payload);
        return all;
    }
    std::size_t count(const std::string& payload) const {
        const std::lock_guard lock{mutex_};
        std::size_t n = 0;
        for (const auto& entry : entries_) n += entry.delivery.message.payload == payload ? 1 : 0;
        return n;
    }

 private:
    mutable std::mutex mutex_;
    std::vector<Entry> entries_;
};

/// What a consumer answers to a delivery. May throw.
using Answer = std::function<Outcome(const Delivery&)>;

/// Ends with what `answer` says, after writing the delivery down.
loop::Task<Outcome> record_and_answer(std::shared_ptr<Recorder> recorder, Answer answer, Delivery delivery);

Consumer recording_consumer(std::string durable_name, std::string subject, loop::Executor executor,
                            std::shared_ptr<Recorder> recorder, Answer answer);
/// Acknowledges everything.
Consumer recording_consumer(std::string durable_name, std::string subject, loop::Executor executor,
                            std::shared_ptr<Recorder> recorder);
Follower recording_follower(std::vector<std::string> subjects, loop::Executor executor,
                            std::shared_ptr<Recorder> recorder);

}  // namespace carillon::bus::testing
