#pragma once

#include "bus/bus.hpp"
#include "bus/nats/ack_subject.hpp"
#include "bus/nats/nats_handle.hpp"

namespace carillon::bus {

namespace header {
inline constexpr const char* kMessageId = "Nats-Msg-Id";
inline constexpr const char* kTraceparent = "traceparent";
}  // namespace header

/// What a message of JetStream brings, in place of what `delivery` held.
inline void fill_delivery(Delivery& delivery, natsMsg* message, const AckSubject& meta) {
    delivery.message.subject = natsMsg_GetSubject(message);
    delivery.message.message_id = header_of(message, header::kMessageId);
    delivery.message.traceparent = header_of(message, header::kTraceparent);
    delivery.message.payload = payload_of(message);
    delivery.sequence = meta.stream_sequence;
    delivery.attempt = static_cast<std::uint32_t>(meta.deliveries);
}

inline Delivery delivery_of(natsMsg* message, const AckSubject& meta) {
    Delivery delivery;
    fill_delivery(delivery, message, meta);
    return delivery;
}

}  // namespace carillon::bus
