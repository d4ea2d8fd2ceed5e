#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bus/errc.hpp"
#include "loop/task.hpp"

namespace carillon::bus {

/// The subjects and streams of the contract.
namespace subject {
inline constexpr const char* kUserRegistered = "user.registered";
inline constexpr const char* kTokenRevoked = "token.revoked";
inline constexpr const char* kNotificationCreated = "notification.created";
inline constexpr const char* kNotificationUpdated = "notification.updated";
}  // namespace subject

struct Message {
    std::string subject;
    std::string message_id;  ///< the event id; a second publish with it within the window is dropped where the bus can
    std::string payload;
    std::string traceparent;  ///< may be empty
};

struct Delivery {
    Message message;
    std::uint64_t sequence = 0;  ///< of the stream
    std::uint32_t attempt = 1;
};

/// What a consumer makes of a delivery.
enum class Outcome {
    acknowledged,  ///< done; never again
    retry,         ///< not now: delivered again after a growing pause, a finite number of times, then dead-lettered
    poison,        ///< can never work: dead-lettered at once
};

/// A message that was given up, with the reason.
struct DeadLetter {
    Delivery delivery;
    std::string reason;
};

/// A durable group of competing consumers: each message goes to one of them, at least once.
struct Consumer {
    std::string durable_name;
    std::string subject;
    loop::Executor executor;  ///< where the handler runs
    std::function<loop::Task<Outcome>(Delivery)> handler;
};

/// Sees every message of its subjects that is published while it is there, in stream order.
struct Follower {
    std::vector<std::string> subjects;
    loop::Executor executor;
    std::function<void(const Delivery&)> on_message;
    /// Messages may have been missed: whatever was derived from them must be read afresh.
    std::function<void()> on_gap;
    /// A payload of this bus that breaks the contract is handed to `Bus::dead_letter` by the follower.
};

/// Hears what is announced on its subject while it is there.
struct Listener {
    std::string subject;
    loop::Executor executor;
    std::function<void(const std::string& payload)> on_message;
};

/// Ends the subscription when destroyed. After the destructor no handler starts; one that runs is not waited for.
class Subscription {
 public:
    virtual ~Subscription() = default;
};

/// Carries events between services. Thread: any, for every method.
class Bus {
 public:
    virtual ~Bus() = default;

    /// Returns once the message is safe: whoever must handle it will get it, whatever crashes from now on. Order is
    /// kept between messages whose publish calls were made one after the other on one executor. Errors: unavailable,
    /// overloaded, closed; then it may or may not have been published: publish again with the same id.
    virtual loop::Task<base::Result<void>> publish(Message message) = 0;
    virtual std::unique_ptr<Subscription> consume(Consumer consumer) = 0;
    virtual std::unique_ptr<Subscription> follow(Follower follower) = 0;
    /// Puts aside a message that breaks the contract.
    virtual loop::Task<base::Result<void>> dead_letter(DeadLetter letter) = 0;
    /// Tells all who listen to the subject now, in every process, its own too: within milliseconds, at most once, and
    /// kept nowhere. For hints that may be lost. Does not block.
    virtual void announce(std::string subject, std::string payload) = 0;
    virtual std::unique_ptr<Subscription> listen(Listener listener) = 0;
    /// Whether publishing would work now.
    virtual bool available() const = 0;
};

}  // namespace carillon::bus
