#include "gateway/delivery.hpp"

#include <cassert>
#include <utility>

#include "base/log.hpp"
#include "base/log_enabled.hpp"
#include "contracts/socket_events.hpp"
#include "http/trace_context.hpp"
#include "socketio/engine_packet.hpp"

namespace carillon::gateway {
namespace {

/// `["<event>",`
void begin_array(std::string& out, std::string_view event) {
    out += "[\"";
    out += event;
    out += "\",";
}

void append_count(std::string& out, InboxCount count, base::Version offset) {
    begin_array(out, contracts::kUnreadCountUpdatedEvent);
    contracts::append_unread_count_updated(out, count.unread, count.version);
    out.push_back(']');
    socketio::EncodedEvent::append_offset(out, offset);
}

}  // namespace

bool logs_deliveries() {
    return base::log_enabled(base::LogLevel::debug);
}

void log_delivery(const Delivery& delivery, const socketio::Socket& socket) {
    if (!delivery.logged || !socket.connected()) return;
    const std::string user = delivery.user.to_string();
    for (const auto& one : *delivery.logged) {
        base::log_debug("event written to a socket", {{"event", one.event},
                                                      {"trace", one.trace_id},
                                                      {"notification", one.notification},
                                                      {"user", user},
                                                      {"socket", socket.id()},
                                                      {"transport", socket.transport()}});
    }
}

void DeliveryEncoder::add_to_log(std::string_view traceparent, std::optional<base::NotificationId> notification,
                                 std::string_view event) {
    DeliveredEvent one;
    if (!traceparent.empty()) one.trace_id = http::continue_trace(traceparent).trace_id;
    if (notification) one.notification = notification->to_string();
    one.event = event;
    logged_.push_back(std::move(one));
}

void DeliveryEncoder::begin(std::string_view event) {
    if (events_++ > 0) text_.push_back(socketio::kPayloadSeparator);
    begin_array(text_, event);
}

void DeliveryEncoder::add_count(InboxCount count, base::Version offset) {
    text_.push_back(socketio::kPayloadSeparator);
    append_count(text_, count, offset);
    counts_at_ |= static_cast<std::uint8_t>(1U << events_);
    ++events_;
    ++made_.counts;
}

void DeliveryEncoder::add(const InboxEvent& event) {
    assert(!full());
    if (const auto* notification = std::get_if<contracts::Notification>(&event.change)) {
        begin(contracts::kNotificationNewEvent);
        contracts::append_notification_new(text_, *notification, event.unread);
        ++made_.news;
        if (logs_deliveries()) add_to_log(event.traceparent, notification->id, contracts::kNotificationNewEvent);
    } else {
        begin(contracts::kNotificationUpdatedEvent);
        const auto& change = std::get<contracts::InboxChange>(event.change);
        contracts::append_notification_updated(text_, change);
        ++made_.updates;
        if (logs_deliveries()) {
            add_to_log(event.traceparent, change.notification_id, contracts::kNotificationUpdatedEvent);
        }
    }
    text_.push_back(']');
    offset_ = event.offset;
    socketio::EncodedEvent::append_offset(text_, offset_);
    if (!event.late) add_count({event.unread, event.version}, offset_);
    if (event.created_at) made_.created_at = event.created_at;
}

void DeliveryEncoder::add(const contracts::CreatedEventText& event, base::Version offset,
                          std::string_view traceparent) {
    assert(!full() && !event.socket_event_members.empty());
    begin(contracts::kNotificationNewEvent);
    text_.push_back('{');
    text_ += event.socket_event_members;
    text_ += "}]";
    offset_ = offset;
    socketio::EncodedEvent::append_offset(text_, offset_);
    ++made_.news;
    add_count({*event.unread_count, *event.version}, offset_);
    made_.created_at = event.created_at;
    if (logs_deliveries()) add_to_log(traceparent, event.notification_id, contracts::kNotificationNewEvent);
}

Delivery DeliveryEncoder::take(base::UserId user) {
    assert(!empty());
    made_.user = user;
    made_.events = socketio::EncodedEvent::from_arrays(socketio::SharedText{text_}, events_, offset_, counts_at_);
    if (!logged_.empty()) {
        made_.logged = std::make_shared<const std::vector<DeliveredEvent>>(std::exchange(logged_, {}));
    }
    text_.clear();
    events_ = 0;
    counts_at_ = 0;
    return std::exchange(made_, {});
}

socketio::EncodedEvent encode_count(InboxCount count, base::Version offset) {
    std::string array;
    append_count(array, count, offset);
    return socketio::EncodedEvent::from_arrays(socketio::SharedText{array}, 1, offset, 1);
}

}  // namespace carillon::gateway
