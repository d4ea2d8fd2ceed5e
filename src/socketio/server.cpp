#include "socketio/server.hpp"

#include "socketio/packet.hpp"

namespace carillon::socketio {

EncodedEvent EncodedEvent::make(std::string_view event, const std::vector<std::string_view>& arguments_json,
                                std::vector<std::string> attachments) {
    std::string array;
    const std::size_t placeholders = append_array(array, event, arguments_json, attachments.size());
    EncodedEvent encoded;
    encoded.event_ = event;
    encoded.array_ = std::make_shared<const std::string>(std::move(array));
    if (placeholders > 0) {
        encoded.attachments_ = std::make_shared<const std::vector<std::string>>(std::move(attachments));
    }
    return encoded;
}

std::string EncodedEvent::payload(std::string_view nsp) const {
    const std::size_t attachments = attachments_ ? attachments_->size() : 0;
    const auto type = attachments > 0 ? PacketType::binary_event : PacketType::event;
    std::string text = packet_prefix(type, nsp, {}, attachments);
    if (array_) text += *array_;
    return text;
}

void Ack::operator()(const std::vector<std::string_view>& arguments_json, const std::vector<std::string>& attachments) {
    if (send_) send_(arguments_json, attachments);
}

}  // namespace carillon::socketio
