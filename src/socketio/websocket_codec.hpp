#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "socketio/outgoing.hpp"

namespace carillon::socketio {

/// Close codes of RFC 6455 section 7.4.1 that a server sends. `none` is a close frame without a code.
enum class CloseCode : std::uint16_t {
    none = 0,
    normal = 1000,
    protocol_error = 1002,
    invalid_text = 1007,
    policy = 1008,
    too_big = 1009,
};

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// Appends the head of an unfragmented, unmasked frame: what a server sends before `size` bytes of payload.
void append_frame_head(std::string& out, Opcode opcode, std::size_t size);

/// Appends a close frame; `CloseCode::none` makes it empty.
void append_close_frame(std::string& out, CloseCode code);

/// Appends one message for each packet.
void append_messages(std::string& out, std::span<const OutPacket> packets);

/// The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (RFC 6455 section 4.2.2), or empty when the key is not
/// the base64 of 16 bytes.
std::string websocket_accept(std::string_view key);

/// What a decoder found.
class WebSocketEvents {
 public:
    virtual ~WebSocketEvents() = default;
    /// A whole message; text is valid UTF-8. The view is good until the call returns. False stops the decoding.
    virtual bool on_message(bool binary, std::string_view data) = 0;
    virtual bool on_ping(std::string_view data) = 0;
    /// The peer's close frame; nothing is decoded after it. `code` is to be echoed.
    virtual void on_close(CloseCode code) = 0;
};

/// Decodes a client's frames (RFC 6455), without extensions. Bytes come in as they arrive; a frame that lies whole in
/// them is handed on without being copied. Between messages it holds no buffer.
class WebSocketDecoder {
 public:
    /// A message in more fragments is refused: a peer must not make the server count forever.
    static constexpr std::uint32_t kFragmentsMax = 4096;

    explicit WebSocketDecoder(std::size_t message_bytes_max) : message_bytes_max_{message_bytes_max} {}

    /// Takes all of `bytes` (which are unmasked in place). Returns the code to fail the connection with, or `none`.
    CloseCode decode(std::span<char> bytes, WebSocketEvents& events);

 private:
    struct Head {
        bool fin = false;
        Opcode opcode = Opcode::continuation;
        std::size_t size = 0;       ///< of the payload
        std::size_t head_size = 0;  ///< 0: more bytes are needed
        std::uint8_t mask[4] = {};
    };

    /// Bytes of a frame that did not arrive whole, and the message so far.
    struct Partial {
        std::string frame;
        std::string message;
    };

    CloseCode complete_frame(std::span<char>& bytes, WebSocketEvents& events);
    CloseCode decode_frames(std::span<char>& bytes, WebSocketEvents& events);
    CloseCode read_head(std::span<const char> bytes, Head& head) const;
    CloseCode check_head(const Head& head) const;
    CloseCode on_frame(const Head& head, std::string_view payload, WebSocketEvents& events);
    CloseCode on_data(const Head& head, std::string_view payload, WebSocketEvents& events);
    CloseCode on_close_frame(std::string_view payload, WebSocketEvents& events);
    CloseCode deliver(bool binary, std::string_view data, WebSocketEvents& events);
    Partial& partial();

    const std::size_t message_bytes_max_;
    std::unique_ptr<Partial> partial_;
    std::uint32_t fragments_ = 0;
    bool in_message_ = false;
    bool message_binary_ = false;
    bool stopped_ = false;
};

}  // namespace carillon::socketio
