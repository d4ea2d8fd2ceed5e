#include "gateway/delivery.hpp"

#include "contracts/socket_events.hpp"

namespace carillon::gateway {

namespace {

/// Of what stands around and between the texts of a notification.
constexpr std::size_t kNotificationFrame = 320;
constexpr std::size_t kSmallEvent = 160;

/// `["<event>",`, with room for the rest.
std::string begin_array(std::string_view event, std::size_t room) {
    std::string array;
    array.reserve(room);
    array += "[\"";
    array += event;
    array += "\",";
    return array;
}

socketio::EncodedEvent encode_change(const InboxEvent& event) {
    if (const auto* notification = std::get_if<contracts::Notification>(&event.change)) {
        const std::size_t texts = notification->title.size() + (notification->body ? notification->body->size() : 0) +
                                  (notification->data_json ? notification->data_json->size() : 0);
        std::string array = begin_array(contracts::kNotificationNewEvent, kNotificationFrame + texts);
        contracts::append_notification_new(array, *notification, event.unread);
        array.push_back(']');
        return socketio::EncodedEvent::from_array(contracts::kNotificationNewEvent, std::move(array));
    }
    std::string array = begin_array(contracts::kNotificationUpdatedEvent, kSmallEvent);
    contracts::append_notification_updated(array, std::get<contracts::InboxChange>(event.change));
    array.push_back(']');
    return socketio::EncodedEvent::from_array(contracts::kNotificationUpdatedEvent, std::move(array));
}

}  // namespace

void encode_inbox_event(const InboxEvent& event, Delivery& delivery) {
    delivery.events.push_back(encode_change(event));
    if (!event.late) delivery.events.push_back(encode_count({event.unread, event.version}));
    if (event.created_at) delivery.created_at = event.created_at;
}

socketio::EncodedEvent encode_count(InboxCount count) {
    std::string array = begin_array(contracts::kUnreadCountUpdatedEvent, kSmallEvent);
    contracts::append_unread_count_updated(array, count.unread, count.version);
    array.push_back(']');
    return socketio::EncodedEvent::from_array(contracts::kUnreadCountUpdatedEvent, std::move(array));
}

}  // namespace carillon::gateway
