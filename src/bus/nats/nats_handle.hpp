#pragma once

#include <nats/nats.h>

#include <memory>
#include <string_view>

namespace carillon::bus {

/// cnats objects with an owner. Only this room includes this header.
struct NatsDeleter {
    void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
    void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
    void operator()(natsSubscription* subscription) const { natsSubscription_Destroy(subscription); }
    void operator()(jsCtx* context) const { jsCtx_Destroy(context); }
    void operator()(jsStreamInfo* info) const { jsStreamInfo_Destroy(info); }
    void operator()(jsConsumerInfo* info) const { jsConsumerInfo_Destroy(info); }
    void operator()(natsInbox* inbox) const { natsInbox_Destroy(inbox); }
};

using OptionsHandle = std::unique_ptr<natsOptions, NatsDeleter>;
using MsgHandle = std::unique_ptr<natsMsg, NatsDeleter>;
using JsHandle = std::unique_ptr<jsCtx, NatsDeleter>;
using StreamInfoHandle = std::unique_ptr<jsStreamInfo, NatsDeleter>;
using ConsumerInfoHandle = std::unique_ptr<jsConsumerInfo, NatsDeleter>;
using InboxHandle = std::unique_ptr<natsInbox, NatsDeleter>;
/// Shared, because another thread may end what one waits on.
using SubscriptionHandle = std::shared_ptr<natsSubscription>;

inline SubscriptionHandle own_subscription(natsSubscription* subscription) {
    return SubscriptionHandle{subscription, NatsDeleter{}};
}

/// The first value of a header, or empty. The view lives as long as the message.
inline std::string_view header_of(natsMsg* message, const char* name) {
    const char* value = nullptr;
    if (natsMsgHeader_Get(message, name, &value) != NATS_OK || value == nullptr) return {};
    return value;
}

inline std::string_view payload_of(const natsMsg* message) {
    return {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))};
}

inline std::string_view reply_of(const natsMsg* message) {
    const char* reply = natsMsg_GetReply(message);
    return reply == nullptr ? std::string_view{} : std::string_view{reply};
}

}  // namespace carillon::bus
