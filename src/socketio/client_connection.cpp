#include "socketio/client_connection.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.hpp"
#include "socketio/engine_server.hpp"
#include "socketio/json_scanner.hpp"

namespace carillon::socketio {
namespace {

/// Calls into the application. A handler that throws is a bug there; it costs its own client the connection, not all
/// others their process.
template <class Call>
bool guarded(std::string_view what, Call call) {
    try {
        call();
        return true;
    } catch (const std::exception& error) {
        base::log_error("a socket handler failed", {{"handler", what}, {"error", error.what()}});
    }
    return false;
}

std::string connect_error(std::string_view nsp, std::string_view message, std::string_view data_json) {
    std::string packet = packet_prefix(PacketType::connect_error, nsp);
    packet += "{\"message\":";
    append_json_string(packet, message);
    if (!data_json.empty()) {
        packet += ",\"data\":";
        packet += data_json;
    }
    packet.push_back('}');
    return packet;
}

}  // namespace

ClientConnection::ClientConnection(Server& server, const Sid& sid, base::SteadyTime now, Handshake handshake,
                                   WebSocketLink* link)
    : EngineSession{server.config(), server.queues_, sid, now, link},
      server_{server},
      handshake_{std::move(handshake)},
      connect_at_{server.engine_handler_ ? kNever : now + server.config().connect_timeout} {}

// --- Packets ---------------------------------------------------------------------------------------------------------

void ClientConnection::on_text(base::SteadyTime now, std::string_view text) {
    if (server_.observer_ != nullptr) server_.observer_->on_message_received(text.size());
    if (server_.engine_handler_) return server_.engine_handler_(*this, false, text);
    if (binary_) return close("forced close");
    on_packet(now, text);
}

void ClientConnection::on_packet(base::SteadyTime now, std::string_view text) {
    const auto packet = decode_packet(text);
    if (!packet) return close("forced close");
    switch (packet->type) {
        case PacketType::connect:
            return on_connect(*packet);
        case PacketType::disconnect:
            if (const auto socket = find_socket(packet->nsp)) return forget(*socket, "client namespace disconnect");
            require_socket(now, packet->nsp);
            return;
        case PacketType::event:
        case PacketType::ack:
            return on_array(now, *packet, {});
        case PacketType::binary_event:
        case PacketType::binary_ack:
            return await_attachments(now, text);
        case PacketType::connect_error:
            return close("forced close");
    }
}

void ClientConnection::on_array(base::SteadyTime now, const Packet& packet, std::vector<std::string> attachments) {
    if (packet.type == PacketType::ack || packet.type == PacketType::binary_ack) {
        const auto arguments = server_.arrays_.ack(packet);
        if (!arguments) return close("forced close");
        const auto socket = require_socket(now, packet.nsp);
        if (!socket) return;
        const ReceivedAck ack{*arguments, std::move(attachments)};
        if (!guarded("ack", [&] { socket->take_ack(packet.ack_id, ack); })) close("forced server close");
        return;
    }
    auto event = server_.arrays_.event(packet);
    if (!event) return close("forced close");
    event->attachments = std::move(attachments);
    const auto socket = require_socket(now, packet.nsp);
    if (!socket) return;
    if (!guarded("event", [&] { socket->deliver(*event, packet.ack_id); })) close("forced server close");
}

void ClientConnection::await_attachments(base::SteadyTime now, std::string_view text) {
    auto pending = std::make_unique<PendingBinary>();
    pending->text = text;
    pending->packet = *decode_packet(pending->text);
    const Packet& packet = pending->packet;
    const bool valid = packet.type == PacketType::binary_event ? bool{server_.arrays_.event(packet)}
                                                               : bool{server_.arrays_.ack(packet)};
    if (!valid) return close("forced close");
    // Nothing is kept for somebody who has not joined.
    const auto socket = find_socket(packet.nsp);
    if (!(socket && socket->admitted()) && !has_left(now, packet.nsp)) return close("forced server close");
    pending->give_up_at = now + config().attachment_timeout;
    binary_ = std::move(pending);
    on_work();
}

void ClientConnection::on_binary(base::SteadyTime now, std::string_view data) {
    if (server_.observer_ != nullptr) server_.observer_->on_message_received(data.size());
    if (server_.engine_handler_) return server_.engine_handler_(*this, true, data);
    if (!binary_) return close("forced close");
    binary_->bytes += data.size();
    if (binary_->bytes > config().attachment_bytes_max) return close("forced close");
    binary_->attachments.emplace_back(data);
    binary_->give_up_at = now + config().attachment_timeout;
    if (binary_->attachments.size() < binary_->packet.attachments) return;
    const auto done = std::exchange(binary_, nullptr);
    on_array(now, done->packet, std::move(done->attachments));
}

// --- Namespaces ------------------------------------------------------------------------------------------------------

void ClientConnection::on_connect(const Packet& packet) {
    // One attempt at a time: the reference server runs them all, and makes several sockets of one connection.
    if (find_socket(packet.nsp)) return close("forced server close");
    auto nsp = server_.find_namespace(packet.nsp);
    if (!nsp) return send(OutPacket::text(connect_error(packet.nsp, "Invalid namespace", {})));
    std::erase_if(left_, [&](const Left& left) { return left.nsp == packet.nsp; });
    Handshake handshake = handshake_;
    if (!packet.payload.empty()) handshake.auth_json = packet.payload;
    const auto socket = std::make_shared<SocketImpl>(*this, std::move(nsp), std::move(handshake));
    sockets_.push_back(socket);
    run_middleware(socket, 0);
}

void ClientConnection::run_middleware(const std::shared_ptr<SocketImpl>& socket, std::size_t index) {
    const auto& middleware = socket->home().middleware();
    if (index == middleware.size()) return admit(socket);
    // Copies of `next` share the one call.
    auto waiting = std::make_shared<std::weak_ptr<SocketImpl>>(socket);
    Next next = [waiting, index](std::optional<ConnectError> error) {
        const auto still = std::exchange(*waiting, {}).lock();
        if (!still || still->connection() == nullptr) return;
        if (error) return still->connection()->refuse(*still, *error);
        still->connection()->run_middleware(still, index + 1);
    };
    if (!guarded("middleware", [&] { middleware[index](socket, std::move(next)); })) close("forced server close");
}

void ClientConnection::admit(const std::shared_ptr<SocketImpl>& socket) {
    if (SocketImpl* const older = socket->home().find(socket->id())) {
        // With a goodbye: a client that is still there must not come back and fight for the id.
        older->disconnect(true);
        if (socket->connection() == nullptr) return;
    }
    connect_at_ = kNever;
    end_handshake();
    const std::string pid = socket->set_admitted();
    socket->home().add(*socket);
    std::string packet = packet_prefix(PacketType::connect, socket->nsp());
    packet += "{\"sid\":\"";
    packet += socket->id();
    if (!pid.empty()) {
        packet += "\",\"pid\":\"";
        packet += pid;
    }
    packet += "\"}";
    send(OutPacket::text(std::move(packet)));
    const auto& handler = socket->home().connection_handler();
    if (!handler) return;
    if (!guarded("connection", [&] { handler(socket); })) close("forced server close");
}

void ClientConnection::end_handshake() {
    if (std::exchange(shaking_hands_, false) && server_.handshake_hook_) server_.handshake_hook_();
}

void ClientConnection::refuse(SocketImpl& socket, const ConnectError& error) {
    send(OutPacket::text(connect_error(socket.nsp(), error.message, error.data_json)));
    forget(socket, {});
}

void ClientConnection::disconnect(SocketImpl& socket) {
    if (socket.admitted()) send(OutPacket::text(packet_prefix(PacketType::disconnect, socket.nsp())));
    forget(socket, "server namespace disconnect");
}

void ClientConnection::disconnect_all() {
    while (!sockets_.empty() && open()) disconnect(*std::shared_ptr{sockets_.front()});
    close("server namespace disconnect");
}

std::shared_ptr<SocketImpl> ClientConnection::find_socket(std::string_view nsp) const {
    for (const auto& socket : sockets_) {
        if (socket->nsp() == nsp) return socket;
    }
    return nullptr;
}

std::shared_ptr<SocketImpl> ClientConnection::require_socket(base::SteadyTime now, std::string_view nsp) {
    auto socket = find_socket(nsp);
    if (socket && socket->admitted()) return socket;
    // A packet may cross our DISCONNECT; that must not cost the client its other namespaces.
    if (!has_left(now, nsp)) close("forced server close");
    return nullptr;
}

bool ClientConnection::has_left(base::SteadyTime now, std::string_view nsp) const {
    return std::any_of(left_.begin(), left_.end(),
                       [&](const Left& left) { return left.nsp == nsp && left.until >= now; });
}

void ClientConnection::forget(SocketImpl& socket, std::string_view reason) {
    const auto found =
        std::find_if(sockets_.begin(), sockets_.end(), [&](const auto& one) { return one.get() == &socket; });
    if (found == sockets_.end()) return;
    const auto kept = std::move(*found);
    sockets_.erase(found);
    if (kept->admitted()) {
        left_.push_back({kept->nsp(), kNever});
        left_in_this_turn_ = true;
    }
    kept->detach(reason);
    on_work();
}

// --- Session ---------------------------------------------------------------------------------------------------------

void ClientConnection::on_upgraded() {
    if (server_.observer_ != nullptr) server_.observer_->on_upgraded();
}

void ClientConnection::on_closed(std::string_view reason) {
    binary_.reset();
    end_handshake();
    server_.count_closed(transport(), reason);
    const auto sockets = std::exchange(sockets_, {});
    for (const auto& socket : sockets) socket->detach(reason);
}

void ClientConnection::orphan() {
    abandon();
    for (const auto& socket : std::exchange(sockets_, {})) socket->orphan();
}

void ClientConnection::on_released() {
    server_.release(*this);
}

void ClientConnection::on_work() {
    server_.mark_timed(*this);
}

void ClientConnection::on_output() {
    server_.mark_dirty(*this);
}

void ClientConnection::expect_ack() {
    asked_in_this_turn_ = true;
    on_work();
}

void ClientConnection::on_sent(std::size_t messages, std::size_t bytes) {
    if (server_.observer_ == nullptr) return;
    if (messages > 0) server_.observer_->on_messages_sent(messages, bytes);
}

void ClientConnection::on_queued(std::ptrdiff_t bytes) {
    server_.queued_bytes_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(server_.queued_bytes_) + bytes);
}

void ClientConnection::on_spared(std::size_t messages) {
    if (server_.observer_ != nullptr) server_.observer_->on_messages_spared(messages);
}

base::SteadyTime ClientConnection::upper_deadline() const {
    base::SteadyTime at = binary_ ? std::min(connect_at_, binary_->give_up_at) : connect_at_;
    for (const auto& socket : sockets_) at = std::min(at, socket->ack_deadline());
    return at;
}

void ClientConnection::on_upper_time(base::SteadyTime now) {
    if (binary_ && now >= binary_->give_up_at) return close("forced close");
    if (now >= connect_at_) return close("connect timeout");
    const auto sockets = sockets_;  // a handler may leave
    for (const auto& socket : sockets) {
        if (!guarded("ack", [&] { socket->give_up_acks(now); })) return close("forced server close");
    }
}

void ClientConnection::on_upper_flush(base::SteadyTime now) {
    // Asking and leaving happen without a clock at hand; their consequences in time begin with the end of the turn.
    if (std::exchange(asked_in_this_turn_, false)) {
        for (const auto& socket : sockets_) socket->arm_acks(now);
    }
    if (!std::exchange(left_in_this_turn_, false)) return;
    std::erase_if(left_, [now](const Left& left) { return left.until < now; });
    for (Left& left : left_) {
        if (left.until == kNever) left.until = now + config().leave_grace;
    }
    const bool joined = std::any_of(sockets_.begin(), sockets_.end(), [](const auto& one) { return one->admitted(); });
    if (!joined) connect_at_ = now + config().connect_timeout;
}

}  // namespace carillon::socketio
