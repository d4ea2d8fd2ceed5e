#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace carillon::socketio {

/// Engine.IO v4 packet types, as their digit on the wire.
enum class EngineType : char {
    open = '0',
    close = '1',
    ping = '2',
    pong = '3',
    message = '4',
    upgrade = '5',
    noop = '6',
};

/// A packet in its text form: `<type><data>`, or `b` and base64 for a binary message.
struct EnginePacket {
    EngineType type = EngineType::noop;
    bool binary = false;    ///< a message of bytes, in `bytes`
    std::string_view data;  ///< of a text packet; points into what was decoded
    std::string bytes;
};

/// Nullopt for an empty text, an unknown type, or bad base64.
std::optional<EnginePacket> decode_engine_packet(std::string_view text);

/// Between two packets of a polling payload.
inline constexpr char kPayloadSeparator = '\x1e';

/// Takes the first packet's text off `payload`. An empty payload is one empty packet; `more` says whether another one
/// follows.
std::string_view take_payload_packet(std::string_view& payload, bool& more);

}  // namespace carillon::socketio
