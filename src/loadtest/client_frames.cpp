#include "loadtest/client_frames.hpp"

#include <array>
#include <cstring>

namespace carillon::loadtest {
namespace {

using socketio::Opcode;

/// More than any gateway sends at once: a length beyond it is a broken stream.
constexpr std::uint64_t kPayloadMax = 64ULL * 1024 * 1024;

bool is_known(std::uint8_t opcode) {
    return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

}  // namespace

ServerFrame read_server_frame(std::string_view bytes) {
    const auto byte = [bytes](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    ServerFrame frame;
    if (bytes.size() < 2) return frame;
    const bool reserved_or_masked = (byte(0) & 0x70) != 0 || (byte(1) & 0x80) != 0;
    if (reserved_or_masked || !is_known(byte(0) & 0x0F)) {
        frame.state = ServerFrame::State::broken;
        return frame;
    }
    frame.final = (byte(0) & 0x80) != 0;
    frame.opcode = static_cast<Opcode>(byte(0) & 0x0F);
    const std::size_t short_length = byte(1) & 0x7F;
    const std::size_t length_bytes = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    const std::size_t head = 2 + length_bytes;
    if (bytes.size() < head) return frame;
    std::uint64_t length = length_bytes == 0 ? short_length : 0;
    for (std::size_t i = 0; i < length_bytes; ++i) length = (length << 8) | byte(2 + i);
    if (length > kPayloadMax) {
        frame.state = ServerFrame::State::broken;
        return frame;
    }
    if (bytes.size() - head < length) return frame;
    frame.state = ServerFrame::State::whole;
    frame.payload = bytes.substr(head, length);
    frame.size = head + length;
    return frame;
}

void append_client_frame(std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask) {
    // The head without the mask bit is what a server would send.
    const std::size_t head = out.size();
    socketio::append_frame_head(out, opcode, payload.size());
    out[head + 1] = static_cast<char>(static_cast<std::uint8_t>(out[head + 1]) | 0x80U);
    std::array<std::uint8_t, 4> key{};
    std::memcpy(key.data(), &mask, key.size());
    out.append(reinterpret_cast<const char*>(key.data()), key.size());
    const std::size_t at = out.size();
    out += payload;
    for (std::size_t i = 0; i < payload.size(); ++i) {
        out[at + i] = static_cast<char>(static_cast<std::uint8_t>(out[at + i]) ^ key[i & 3]);
    }
}

}  // namespace carillon::loadtest
