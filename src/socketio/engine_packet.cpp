#include "socketio/engine_packet.hpp"

#include <utility>

#include "socketio/base64.hpp"

namespace carillon::socketio {

std::optional<EnginePacket> decode_engine_packet(std::string_view text) {
    if (text.empty()) return std::nullopt;
    const char first = text.front();
    text.remove_prefix(1);
    EnginePacket packet;
    if (first == 'b') {
        auto bytes = decode_base64(text);
        if (!bytes) return std::nullopt;
        packet.type = EngineType::message;
        packet.binary = true;
        packet.bytes = std::move(*bytes);
        return packet;
    }
    if (first < '0' || first > '6') return std::nullopt;
    packet.type = static_cast<EngineType>(first);
    packet.data = text;
    return packet;
}

std::string_view take_payload_packet(std::string_view& payload, bool& more) {
    const std::size_t end = payload.find(kPayloadSeparator);
    more = end != std::string_view::npos;
    const std::string_view packet = payload.substr(0, end);
    payload.remove_prefix(more ? end + 1 : payload.size());
    return packet;
}

}  // namespace carillon::socketio
