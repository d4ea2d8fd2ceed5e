#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "contracts/created_event_scanner.hpp"
#include "gateway/inbox_event.hpp"
#include "gateway/notification_api.hpp"
#include "socketio/server.hpp"

namespace carillon::gateway {

/// What the log says of an event that is written to a socket.
struct DeliveredEvent {
    std::string trace_id;      ///< empty when it did not come over the bus
    std::string notification;  ///< its id; empty when the event is of many
    std::string_view event;    ///< the socket event's name
};

/// Whether the lines about single deliveries are written (level debug). Thread: any.
bool logs_deliveries();

/// What is to be sent to every socket of one user, encoded once. Immutable: it may go to several shards.
struct Delivery {
    base::UserId user;
    socketio::EncodedEvent events;
    // How many of each there are.
    std::uint8_t news = 0;
    std::uint8_t updates = 0;
    std::uint8_t counts = 0;
    /// When the newest of what it carries happened, where that is known.
    std::optional<base::TimePoint> created_at;
    /// Sockets of the user that have been sent these already: clients that came back and were told by a sync.
    std::vector<std::string> except;
    /// For the log: one for each of `news` and `updates`. Null unless `logs_deliveries()`: costs nothing then.
    std::shared_ptr<const std::vector<DeliveredEvent>> logged;
};

/// Says for each event that it was handed to the socket's transport; nothing without `logged`. Thread: any.
void log_delivery(const Delivery& delivery, const socketio::Socket& socket);

/// A socket that is on its way: its token is good, and it waits for the state of its user's inbox.
struct Newcomer {
    std::size_t shard = 0;
    std::uint64_t number = 0;            ///< by which its shard knows it
    std::string socket_id;               ///< of a client that comes back: the id that it had
    std::optional<base::Version> since;  ///< of a client that comes back: what it knows
};

/// What a newcomer has waited for.
struct Arrival {
    bool recovered = false;        ///< it came back, and `missed` is all that it lacked
    base::Version offset = 0;      ///< from here on it is sent everything
    std::vector<Delivery> missed;  ///< in version order, each with its count
    socketio::EncodedEvent count;  ///< now; not in `missed`
};

/// Encodes deliveries: `notification:new` or `notification:updated`, and `unreadCount:updated` behind it (not behind a
/// late event, whose count is history). Owned by the event follower; a delivery costs one allocation.
class DeliveryEncoder {
 public:
    void add(const InboxEvent& event);
    /// The next event of its user, with both counters and `socket_event_members`.
    void add(const contracts::CreatedEventText& event, base::Version offset, std::string_view traceparent);
    /// Whether there is no room for another event.
    bool full() const { return events_ + 2 > socketio::EncodedEvent::kBatchMax; }
    bool empty() const { return events_ == 0; }
    /// What was added since the last call.
    Delivery take(base::UserId user);

 private:
    void begin(std::string_view event);
    void add_to_log(std::string_view traceparent, std::optional<base::NotificationId> notification,
                    std::string_view event);
    void add_count(InboxCount count, base::Version offset);

    std::string text_;  ///< keeps its memory
    std::uint16_t events_ = 0;
    std::uint8_t counts_at_ = 0;  ///< a bit for each event that is a count
    base::Version offset_ = 0;
    Delivery made_;
    std::vector<DeliveredEvent> logged_;
};

socketio::EncodedEvent encode_count(InboxCount count, base::Version offset);

/// A shard, as the event follower sees it. Called on the shard's thread only.
class DeliveryTarget {
 public:
    virtual ~DeliveryTarget() = default;
    virtual void deliver(const Delivery& delivery) = 0;
    /// For one newcomer; nothing happens when it has gone.
    virtual void arrive(std::uint64_t number, const Arrival& arrival) = 0;
};

}  // namespace carillon::gateway
