#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "socketio/server.hpp"

namespace carillon::socketio {

/// Socket.IO v5 packet types (socket.io-protocol v5), as their digit on the wire.
enum class PacketType : char {
    connect = '0',
    disconnect = '1',
    event = '2',
    ack = '3',
    connect_error = '4',
    binary_event = '5',
    binary_ack = '6',
};

inline constexpr std::size_t kAttachmentsMax = 10;
inline constexpr std::size_t kNamespaceNameMax = 256;  ///< bytes

/// `<type>[<n>-][<nsp>,][<ack id>][json]`, in slices of what was decoded.
struct Packet {
    PacketType type = PacketType::connect;
    std::uint8_t attachments = 0;  ///< 1 to 10 for the binary types, else 0
    std::string_view nsp = "/";
    std::string_view ack_id;   ///< digits, at most 2^53 - 1; empty when there is none
    std::string_view payload;  ///< CONNECT: an object, or empty. Events and acks: an array. Else empty
};

/// Decodes and validates all but the elements of arrays.
base::Result<Packet> decode_packet(std::string_view text);

/// Takes the arrays of events and acks apart and validates them, the placeholders of binary ones too. Results point
/// into the packet's text and into the decoder, and are good until its next call: once warm, it allocates nothing.
class ArrayDecoder {
 public:
    /// Name and arguments; `attachments` is left empty. Reserved names are refused.
    base::Result<ReceivedEvent> event(const Packet& packet);
    base::Result<std::span<const std::string_view>> ack(const Packet& packet);

 private:
    base::Result<void> scan(const Packet& packet);

    std::vector<std::string_view> elements_;
    std::string name_;  ///< of an event, when it has escapes
};

/// Whether an event may not have this name, because clients and servers raise it themselves.
bool is_reserved_event(std::string_view name);

/// Room for what `append_array` appends, unless the name needs escapes.
std::size_t array_size(std::optional<std::string_view> name, std::span<const std::string_view> arguments_json);

/// Appends `["name",args…]`, or `[args…]` without a name. Returns how many placeholders there are. Throws
/// std::invalid_argument as `EncodedEvent::make` says.
std::size_t append_array(TextBuilder& out, std::optional<std::string_view> name,
                         std::span<const std::string_view> arguments_json, std::size_t attachments);

/// The text in front of a packet's payload, with the Engine.IO type digit: `42`, `42/ws,`, `43/ws,7`, `451-/ws,`.
std::string packet_prefix(PacketType type, std::string_view nsp, std::string_view ack_id = {},
                          std::size_t attachments = 0);

}  // namespace carillon::socketio
