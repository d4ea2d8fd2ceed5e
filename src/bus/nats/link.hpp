#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "bus/nats/nats_handle.hpp"
#include "bus/nats/nats_options.hpp"

namespace carillon::bus {

/// Something to be written to NATS.
struct Outgoing {
    std::string subject;
    std::string payload;
    std::vector<std::pair<const char*, std::string>> headers;
};

/// Why there is no connection.
struct LinkFailure {
    natsStatus status = NATS_ERR;
    std::string detail;
};

/// What a link tells, on threads of cnats.
struct LinkEvents {
    std::function<void()> on_closed;
    std::function<void(std::string detail)> on_not_permitted;
    /// To a publish of `token`; the message lives during the call only.
    std::function<void(std::string_view token, natsMsg* answer)> on_acknowledgement;
};

/// One TCP connection to a NATS server. It never comes back: what was in flight on it ends with it, and the next one is
/// another object. (cnats could reconnect by itself, but gives up for good when it is refused twice, and hides from
/// whom waits what became of its messages.) Owned by whoever uses it. Thread: any; the methods that write or ask block.
class Link {
 public:
    /// Connects; blocks for a few seconds at most.
    static base::Result<std::shared_ptr<Link>, LinkFailure> open(const NatsOptions& options, LinkEvents events);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    natsConnection* connection() const { return connection_; }
    jsCtx* js() const { return js_.get(); }
    bool closed() const { return closed_; }
    /// Of the server it leads to, without credentials.
    std::string url() const;
    std::string server() const;
    /// Everything that waits on it wakes up.
    void close();

    natsStatus send(const Outgoing& message, const std::string& reply = {});
    /// `reply` may be empty. No headers.
    natsStatus send_text(std::string_view subject, std::string_view reply, std::string_view text);
    /// A subscription to be waited on with natsSubscription_NextMsg; null when the link has closed.
    SubscriptionHandle subscribe(const std::string& subject);
    /// A subject that nobody else uses.
    static std::string new_inbox();

    /// Publishes ask for their acknowledgements at `ack_prefix() + token`; these arrive in `on_acknowledgement`.
    const std::string& ack_prefix() const { return ack_prefix_; }

 private:
    explicit Link(LinkEvents events) : events_{std::move(events)} {}
    static void on_closed(natsConnection* connection, void* closure);
    static void on_error(natsConnection* connection, natsSubscription* subscription, natsStatus status, void* closure);
    static void on_answer(natsConnection* connection, natsSubscription* subscription, natsMsg* message, void* closure);

    // Constant after opening.
    const LinkEvents events_;
    std::uint64_t id_ = 0;
    natsConnection* connection_ = nullptr;
    JsHandle js_;
    std::string ack_prefix_;
    SubscriptionHandle acks_;

    std::atomic<bool> closed_{false};
};

/// "nats://user:secret@host:4222" without what is secret.
std::string without_credentials(std::string_view url);

}  // namespace carillon::bus
