#include "loadtest/socketio_client.hpp"

#include <algorithm>
#include <charconv>

#include "loadtest/client_frames.hpp"
#include "loadtest/payload_text.hpp"

namespace carillon::loadtest {
namespace {

using socketio::Opcode;

constexpr std::string_view kHandshakeKey = "Y2FyaWxsb25sb2FkdGVzdA==";
constexpr std::size_t kUpgradeBytesMax = 16 * 1024;

/// Masks need not be secret here, only different (a browser's job, RFC 6455 section 10.3, is not ours).
std::uint32_t next_mask() {
    static std::uint32_t state = 0x9E3779B9;
    state = state * 1664525U + 1013904223U;
    return state;
}

}  // namespace

SocketIoClient::SocketIoClient(Reactor& reactor, ClientEvents& events, const ClientSettings& settings,
                               std::uint32_t user_number, std::uint32_t tab_number, std::uint32_t client_index)
    : Stream{reactor}, user{user_number}, tab{tab_number}, index{client_index}, events_{events}, settings_{settings} {}

bool SocketIoClient::connect(const Endpoint& endpoint, const sockaddr_in* source, const std::string& token,
                             std::string& reason) {
    token_ = &token;
    endpoint_ = &endpoint;
    started_at_ = std::chrono::steady_clock::now();
    listening = false;
    if (!open(endpoint, source, reason)) return false;
    state_ = State::connecting;
    return true;
}

void SocketIoClient::on_connected() {
    state_ = State::upgrading;
    std::string& request = out();
    request += "GET ";
    request += settings_.path;
    request += "?EIO=4&transport=websocket HTTP/1.1\r\nHost: ";
    request += endpoint_->authority;
    request += "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ";
    request += kHandshakeKey;
    request += "\r\n\r\n";
}

std::size_t SocketIoClient::on_bytes(std::string_view bytes, base::SteadyTime now) {
    std::size_t used = 0;
    if (state_ == State::upgrading) {
        used = read_upgrade(bytes);
        if (used == 0) return 0;
    }
    while (is_open()) {
        const ServerFrame frame = read_server_frame(bytes.substr(used));
        if (frame.state == ServerFrame::State::incomplete) break;
        if (frame.state == ServerFrame::State::broken) {
            fail("a frame that no server may send");
            break;
        }
        used += frame.size;
        on_frame(frame, now);
    }
    return used;
}

std::size_t SocketIoClient::read_upgrade(std::string_view bytes) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        if (bytes.size() > kUpgradeBytesMax) fail("an endless answer to the handshake");
        return 0;
    }
    constexpr std::string_view kStatus = "HTTP/1.1 101";
    if (!bytes.starts_with(kStatus)) {
        const auto status = bytes.starts_with("HTTP/1.") && bytes.size() > 12 ? bytes.substr(9, 3) : "?";
        fail("HTTP " + std::string{status});
        return 0;
    }
    static const std::string accept = socketio::websocket_accept(kHandshakeKey);
    if (bytes.substr(0, end).find(accept) == std::string_view::npos) {
        fail("a wrong Sec-WebSocket-Accept");
        return 0;
    }
    state_ = State::opening;
    return end + 4;
}

void SocketIoClient::on_frame(const ServerFrame& frame, base::SteadyTime now) {
    switch (frame.opcode) {
        case Opcode::text:
        case Opcode::continuation:
            if (frame.final && fragments_.empty()) return on_engine_packet(frame.payload, now);
            fragments_ += frame.payload;
            if (frame.final) {
                const std::string whole = std::move(fragments_);
                fragments_ = {};
                on_engine_packet(whole, now);
            }
            return;
        case Opcode::ping:
            return append_client_frame(out(), Opcode::pong, frame.payload, next_mask());
        case Opcode::close:
            return fail("closed by the server");
        case Opcode::binary:
        case Opcode::pong:
            return;
    }
}

void SocketIoClient::on_engine_packet(std::string_view text, base::SteadyTime now) {
    if (text.empty()) return fail("an empty packet");
    switch (text.front()) {
        case '4':
            return on_packet(text.substr(1), now);
        case '2':
            return send_text("3");
        case '1':
            return fail("closed by the server");
        case '0': {
            if (state_ != State::opening) return;
            state_ = State::joining;
            std::string connect = "40";
            if (settings_.nsp != "/") connect += settings_.nsp + ',';
            connect += "{\"token\":\"";
            connect += *token_;
            connect += "\"}";
            return send_text(connect);
        }
        default:
            return;
    }
}

void SocketIoClient::on_packet(std::string_view packet, base::SteadyTime now) {
    if (packet.empty()) return fail("an empty packet");
    const char type = packet.front();
    packet.remove_prefix(1);
    if (packet.starts_with('/')) packet.remove_prefix(std::min(packet.size(), packet.find(',') + 1));
    std::uint64_t id = 0;
    const auto digits = std::from_chars(packet.data(), packet.data() + packet.size(), id);
    packet.remove_prefix(static_cast<std::size_t>(digits.ptr - packet.data()));
    switch (type) {
        case '0':
            if (state_ != State::joining) return;
            state_ = State::ready;
            return events_.on_ready(*this, now);
        case '1':
            return fail("disconnected by the server");
        case '2': {
            const auto event = split_event(packet);
            return events_.on_event(*this, event.name, event.arguments, now);
        }
        case '3':
            return events_.on_ack(*this, id, inside_array(packet), now);
        case '4': {
            const auto code = text_field(packet, "code");
            return fail("refused: " + std::string{code.empty() ? text_field(packet, "message") : code});
        }
        default:
            return;
    }
}

void SocketIoClient::emit(std::string_view name, std::string_view arguments, std::uint64_t ack_id) {
    std::string text = "42";
    if (settings_.nsp != "/") text += settings_.nsp + ',';
    if (ack_id != 0) text += std::to_string(ack_id);
    text += "[\"";
    text += name;
    text += '"';
    if (!arguments.empty()) {
        text += ',';
        text += arguments;
    }
    text += ']';
    send_text(text);
}

void SocketIoClient::send_text(std::string_view text) {
    append_client_frame(out(), Opcode::text, text, next_mask());
}

void SocketIoClient::close() {
    if (state_ == State::ready) {
        send_text(settings_.nsp == "/" ? "41" : "41" + settings_.nsp + ',');
        append_client_frame(out(), Opcode::close, {}, next_mask());
    }
    state_ = State::closed;
    listening = false;
    cut(false);
}

void SocketIoClient::lose() {
    state_ = State::closed;
    listening = false;
    cut(true);
}

void SocketIoClient::fail(std::string_view reason) {
    const bool was_ready = state_ == State::ready;
    lose();
    events_.on_ended(*this, reason, was_ready);
}

void SocketIoClient::on_ended(std::string_view reason) {
    const bool was_ready = state_ == State::ready;
    state_ = State::closed;
    listening = false;
    events_.on_ended(*this, reason, was_ready);
}

}  // namespace carillon::loadtest
