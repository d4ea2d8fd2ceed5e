#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "gateway/inbox_event.hpp"
#include "gateway/notification_api.hpp"
#include "socketio/server.hpp"

namespace carillon::gateway {

/// What is to be sent to every socket of one user, encoded once. Immutable: it may go to several shards.
struct Delivery {
    base::UserId user;
    std::vector<socketio::EncodedEvent> events;
    /// When the newest of what it carries happened, where that is known.
    std::optional<base::TimePoint> created_at;
};

/// `notification:new` or `notification:updated`, and `unreadCount:updated` behind it (not behind a late event, whose
/// count is history).
void encode_inbox_event(const InboxEvent& event, Delivery& delivery);
socketio::EncodedEvent encode_count(InboxCount count);

/// A shard, as the event follower sees it. Called on the shard's thread only.
class DeliveryTarget {
 public:
    virtual ~DeliveryTarget() = default;
    virtual void deliver(const Delivery& delivery) = 0;
    /// For one socket; nothing happens when it has gone.
    virtual void deliver_to(const std::string& socket_id, const socketio::EncodedEvent& event) = 0;
};

}  // namespace carillon::gateway
