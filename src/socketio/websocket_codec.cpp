#include "socketio/websocket_codec.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "socketio/base64.hpp"
#include "socketio/utf8.hpp"

namespace carillon::socketio {
namespace {

constexpr std::size_t kControlMax = 125;

bool is_control(Opcode opcode) {
    return (static_cast<std::uint8_t>(opcode) & 0x8) != 0;
}

bool is_known(std::uint8_t opcode) {
    return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

/// Codes that may be sent in a close frame (RFC 6455 section 7.4).
bool is_close_code(std::uint16_t code) {
    if (code >= 3000 && code <= 4999) return true;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

void unmask(char* bytes, std::size_t size, const std::uint8_t (&mask)[4]) {
    std::uint64_t wide = 0;
    std::array<std::uint8_t, 8> twice{};
    std::copy_n(mask, 4, twice.begin());
    std::copy_n(mask, 4, twice.begin() + 4);
    std::memcpy(&wide, twice.data(), 8);
    std::size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + at, 8);
        word ^= wide;
        std::memcpy(bytes + at, &word, 8);
    }
    for (; at < size; ++at) bytes[at] = static_cast<char>(static_cast<std::uint8_t>(bytes[at]) ^ mask[at & 3]);
}

}  // namespace

void append_frame_head(std::string& out, Opcode opcode, std::size_t size) {
    out.push_back(static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode)));
    if (size <= kControlMax) {
        out.push_back(static_cast<char>(size));
        return;
    }
    const std::size_t length_bytes = size <= 0xFFFF ? 2 : 8;
    out.push_back(static_cast<char>(length_bytes == 2 ? 126 : 127));
    for (std::size_t i = length_bytes; i-- > 0;) out.push_back(static_cast<char>(size >> (8 * i)));
}

void append_close_frame(std::string& out, CloseCode code) {
    const auto number = static_cast<std::uint16_t>(code);
    append_frame_head(out, Opcode::close, code == CloseCode::none ? 0 : 2);
    if (code == CloseCode::none) return;
    out.push_back(static_cast<char>(number >> 8));
    out.push_back(static_cast<char>(number & 0xFF));
}

void append_messages(std::string& out, std::span<const OutPacket> packets) {
    for (const OutPacket& packet : packets) {
        const std::string_view prefix = packet.prefix ? std::string_view{*packet.prefix} : std::string_view{};
        packet.for_each([&](std::string_view part) {
            append_frame_head(out, packet.binary ? Opcode::binary : Opcode::text, prefix.size() + part.size());
            out += prefix;
            out += part;
        });
    }
}

std::string websocket_accept(std::string_view key) {
    const auto nonce = decode_base64(key);
    if (key.size() != 24 || !nonce || nonce->size() != 16) return {};
    std::string text{key};
    text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::string accept;
    append_base64(accept, {reinterpret_cast<const char*>(digest.data()), digest.size()});
    return accept;
}

WebSocketDecoder::Partial& WebSocketDecoder::partial() {
    if (!partial_) partial_ = std::make_unique<Partial>();
    return *partial_;
}

CloseCode WebSocketDecoder::decode(std::span<char> bytes, WebSocketEvents& events) {
    if (stopped_) return CloseCode::none;
    if (partial_ && !partial_->frame.empty()) {
        if (const auto failed = complete_frame(bytes, events); failed != CloseCode::none) return failed;
    }
    if (!bytes.empty() && !stopped_) {
        if (const auto failed = decode_frames(bytes, events); failed != CloseCode::none) return failed;
        if (!bytes.empty() && !stopped_) partial().frame.assign(bytes.data(), bytes.size());
    }
    if (partial_ && partial_->frame.empty() && !in_message_) partial_.reset();
    return CloseCode::none;
}

CloseCode WebSocketDecoder::complete_frame(std::span<char>& bytes, WebSocketEvents& events) {
    std::string& frame = partial_->frame;
    for (;;) {
        Head head;
        if (const auto failed = read_head({frame.data(), frame.size()}, head); failed != CloseCode::none) return failed;
        // Only what this frame needs is taken, so that those behind it are not copied.
        const std::size_t wanted = head.head_size == 0 ? frame.size() + 1 : head.head_size + head.size;
        if (frame.size() == wanted) break;
        if (bytes.empty()) return CloseCode::none;
        const std::size_t taken = std::min(wanted - frame.size(), bytes.size());
        frame.append(bytes.data(), taken);
        bytes = bytes.subspan(taken);
    }
    std::string whole = std::exchange(frame, {});
    std::span<char> all{whole.data(), whole.size()};
    return decode_frames(all, events);
}

CloseCode WebSocketDecoder::decode_frames(std::span<char>& bytes, WebSocketEvents& events) {
    while (!bytes.empty() && !stopped_) {
        Head head;
        if (const auto failed = read_head(bytes, head); failed != CloseCode::none) return failed;
        if (head.head_size == 0 || bytes.size() - head.head_size < head.size) return CloseCode::none;
        char* const payload = bytes.data() + head.head_size;
        unmask(payload, head.size, head.mask);
        bytes = bytes.subspan(head.head_size + head.size);
        if (const auto failed = on_frame(head, {payload, head.size}, events); failed != CloseCode::none) return failed;
    }
    return CloseCode::none;
}

CloseCode WebSocketDecoder::read_head(std::span<const char> bytes, Head& head) const {
    const auto byte = [bytes](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    if (bytes.size() < 2) return CloseCode::none;
    head.fin = (byte(0) & 0x80) != 0;
    head.opcode = static_cast<Opcode>(byte(0) & 0x0F);
    const bool reserved_bits = (byte(0) & 0x70) != 0;
    const bool masked = (byte(1) & 0x80) != 0;
    if (reserved_bits || !masked || !is_known(byte(0) & 0x0F)) return CloseCode::protocol_error;
    const std::size_t short_length = byte(1) & 0x7F;
    if (is_control(head.opcode) && (!head.fin || short_length > kControlMax)) return CloseCode::protocol_error;
    const std::size_t length_bytes = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    if (bytes.size() < 2 + length_bytes) return CloseCode::none;
    std::uint64_t length = length_bytes == 0 ? short_length : 0;
    for (std::size_t i = 0; i < length_bytes; ++i) length = (length << 8) | byte(2 + i);
    // The shortest form is required, and the highest bit must be 0 (section 5.2).
    if (length_bytes == 2 && length < 126) return CloseCode::protocol_error;
    if (length_bytes == 8 && (length <= 0xFFFF || (length >> 63) != 0)) return CloseCode::protocol_error;
    head.size = length;
    if (const auto failed = check_head(head); failed != CloseCode::none) return failed;
    if (bytes.size() < 2 + length_bytes + 4) return CloseCode::none;
    for (std::size_t i = 0; i < 4; ++i) head.mask[i] = byte(2 + length_bytes + i);
    head.head_size = 2 + length_bytes + 4;
    return CloseCode::none;
}

CloseCode WebSocketDecoder::check_head(const Head& head) const {
    if (is_control(head.opcode)) return CloseCode::none;
    if ((head.opcode == Opcode::continuation) != in_message_) return CloseCode::protocol_error;
    const std::size_t so_far = in_message_ && partial_ ? partial_->message.size() : 0;
    if (head.size > message_bytes_max_ - so_far) return CloseCode::too_big;
    if (in_message_ && fragments_ >= kFragmentsMax) return CloseCode::policy;
    return CloseCode::none;
}

CloseCode WebSocketDecoder::on_frame(const Head& head, std::string_view payload, WebSocketEvents& events) {
    switch (head.opcode) {
        case Opcode::ping:
            stopped_ = !events.on_ping(payload);
            return CloseCode::none;
        case Opcode::pong:
            return CloseCode::none;
        case Opcode::close:
            return on_close_frame(payload, events);
        case Opcode::text:
        case Opcode::binary:
        case Opcode::continuation:
            return on_data(head, payload, events);
    }
    return CloseCode::protocol_error;
}

CloseCode WebSocketDecoder::on_data(const Head& head, std::string_view payload, WebSocketEvents& events) {
    if (!in_message_ && head.fin) return deliver(head.opcode == Opcode::binary, payload, events);
    if (!in_message_) {
        in_message_ = true;
        fragments_ = 0;
        message_binary_ = head.opcode == Opcode::binary;
    }
    ++fragments_;
    std::string& message = partial().message;
    message += payload;
    if (!head.fin) return CloseCode::none;
    in_message_ = false;
    const std::string whole = std::exchange(message, {});
    return deliver(message_binary_, whole, events);
}

CloseCode WebSocketDecoder::deliver(bool binary, std::string_view data, WebSocketEvents& events) {
    if (!binary && !is_valid_utf8(data)) return CloseCode::invalid_text;
    stopped_ = !events.on_message(binary, data);
    return CloseCode::none;
}

CloseCode WebSocketDecoder::on_close_frame(std::string_view payload, WebSocketEvents& events) {
    if (payload.size() == 1) return CloseCode::protocol_error;
    std::uint16_t code = 0;
    if (payload.size() >= 2) {
        code = static_cast<std::uint16_t>((static_cast<std::uint8_t>(payload[0]) << 8) |
                                          static_cast<std::uint8_t>(payload[1]));
        if (!is_close_code(code)) return CloseCode::protocol_error;
        if (!is_valid_utf8(payload.substr(2))) return CloseCode::invalid_text;
    }
    stopped_ = true;
    events.on_close(static_cast<CloseCode>(code));
    return CloseCode::none;
}

}  // namespace carillon::socketio
