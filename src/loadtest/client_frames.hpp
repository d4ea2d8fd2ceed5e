#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "socketio/websocket_codec.hpp"

namespace carillon::loadtest {

/// A server's frame at the front of some bytes (RFC 6455 section 5.2): not masked, no extensions.
struct ServerFrame {
    enum class State : std::uint8_t {
        incomplete,  ///< more bytes are needed
        whole,
        broken,  ///< no frame that a server may send
    };
    State state = State::incomplete;
    bool final = true;
    socketio::Opcode opcode = socketio::Opcode::text;
    std::string_view payload;
    std::size_t size = 0;  ///< of the frame with its head
};

/// Looks at the front of `bytes`. The payload points into them.
ServerFrame read_server_frame(std::string_view bytes);

/// Appends a whole message as a client sends it: masked with `mask`.
void append_client_frame(std::string& out, socketio::Opcode opcode, std::string_view payload, std::uint32_t mask);

}  // namespace carillon::loadtest
