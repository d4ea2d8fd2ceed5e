#include "gateway/delivery.hpp"

#include "contracts/socket_events.hpp"

namespace carillon::gateway {

namespace {

socketio::EncodedEvent encode_change(const InboxEvent& event) {
    if (const auto* notification = std::get_if<contracts::Notification>(&event.change)) {
        const std::string payload = contracts::encode_notification_new(*notification, event.unread);
        return socketio::EncodedEvent::make(contracts::kNotificationNewEvent, {payload});
    }
    const std::string payload = contracts::encode_notification_updated(std::get<contracts::InboxChange>(event.change));
    return socketio::EncodedEvent::make(contracts::kNotificationUpdatedEvent, {payload});
}

}  // namespace

void encode_inbox_event(const InboxEvent& event, Delivery& delivery) {
    delivery.events.push_back(encode_change(event));
    if (!event.late) delivery.events.push_back(encode_count({event.unread, event.version}));
    if (event.created_at) delivery.created_at = event.created_at;
}

socketio::EncodedEvent encode_count(InboxCount count) {
    const std::string payload = contracts::encode_unread_count_updated(count.unread, count.version);
    return socketio::EncodedEvent::make(contracts::kUnreadCountUpdatedEvent, {payload});
}

}  // namespace carillon::gateway
