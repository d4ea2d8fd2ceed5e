#include "socketio/namespace.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <utility>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "socketio/base64.hpp"
#include "socketio/client_connection.hpp"
#include "socketio/packet.hpp"

namespace carillon::socketio {
namespace {

/// Ids of the server's own making fit a signed 32-bit number: Java and C++ clients read them as one.
constexpr std::uint32_t kAckIdMask = 0x7FFF'FFFF;

/// 20 characters, as long as the reference server's.
std::string make_socket_id() {
    std::array<char, 15> bytes{};
    base::random_bytes(bytes.data(), bytes.size());
    return encode_base64url({bytes.data(), bytes.size()});
}

/// What an Ack holds: copies of it share the one answer.
struct AckState {
    std::weak_ptr<SocketImpl> socket;
    std::string id;
};

std::vector<OutPacket> with_attachments(SharedText header, const std::vector<SharedText>& attachments) {
    std::vector<OutPacket> packets;
    packets.reserve(attachments.size() + 1);
    packets.push_back({std::move(header), nullptr, false, 1});
    for (const SharedText& bytes : attachments) packets.push_back({bytes, nullptr, true, 1});
    return packets;
}

}  // namespace

SocketImpl::SocketImpl(ClientConnection& connection, std::shared_ptr<NamespaceImpl> nsp, Handshake handshake)
    : namespace_{std::move(nsp)}, id_{make_socket_id()}, connection_{&connection}, handshake_{std::move(handshake)} {}

const std::string& SocketImpl::nsp() const {
    return namespace_->name();
}

std::string_view SocketImpl::transport() const {
    return transport_name(connection_ != nullptr ? connection_->transport() : last_transport_);
}

std::size_t SocketImpl::queued_bytes() const {
    return connection_ != nullptr ? connection_->queued_bytes() : 0;
}

void SocketImpl::recover_as(std::string pid, std::string id) {
    if (admitted_) return;
    pid_ = std::make_unique<std::string>(std::move(pid));
    if (!id.empty()) id_ = std::move(id);
}

void SocketImpl::send_offsets(std::uint64_t first) {
    offsets_ = true;
    offset_ = first;
}

std::string SocketImpl::set_admitted() {
    admitted_ = true;
    const auto pid = std::exchange(pid_, nullptr);
    return pid ? std::move(*pid) : std::string{};
}

void SocketImpl::emit(const EncodedEvent& event) {
    if (connected()) send_event(event);
}

void SocketImpl::send_event(const EncodedEvent& event) {
    if (takes_as_is(event)) {
        if (offsets_) offset_ = event.offset();
        namespace_->send(*connection_, event);
    } else {
        namespace_->send(*connection_, offsets_ ? event.with_offset(offset_) : event.without_offset());
    }
}

void SocketImpl::join(std::string room) {
    if (connection_ != nullptr) namespace_->join(*this, std::move(room));
}

void SocketImpl::leave(const std::string& room) {
    if (connection_ != nullptr) namespace_->leave(*this, room);
}

void SocketImpl::disconnect(bool close_transport) {
    if (connection_ == nullptr) return;
    // The connection may drop the last reference.
    const auto self = shared_from_this();
    if (close_transport) {
        connection_->disconnect_all();
    } else {
        connection_->disconnect(*this);
    }
}

void SocketImpl::close_transport(std::string reason) {
    const auto self = shared_from_this();
    if (connection_ != nullptr) connection_->close(reason);
}

void SocketImpl::deliver(const ReceivedEvent& event, std::string_view ack_id) {
    Ack ack;
    if (!ack_id.empty()) {
        auto self = std::static_pointer_cast<SocketImpl>(shared_from_this());
        auto state = std::make_shared<AckState>(AckState{self, std::string{ack_id}});
        ack = Ack{[state](const std::vector<std::string_view>& arguments, const std::vector<std::string>& attachments) {
            const auto socket = std::exchange(state->socket, {}).lock();
            if (socket) socket->send_ack(state->id, arguments, attachments);
        }};
    }
    handle(event, std::move(ack));
}

void SocketImpl::send_ack(const std::string& ack_id, const std::vector<std::string_view>& arguments_json,
                          const std::vector<std::string>& attachments) {
    if (!connected()) return;
    TextBuilder array{array_size(std::nullopt, arguments_json)};
    const std::size_t placeholders = append_array(array, std::nullopt, arguments_json, attachments.size());
    const auto type = placeholders == 0 ? PacketType::ack : PacketType::binary_ack;
    const std::string prefix = packet_prefix(type, nsp(), ack_id, placeholders == 0 ? 0 : attachments.size());
    TextBuilder packet{prefix.size() + array.view().size()};
    packet += prefix;
    packet += array.view();
    if (placeholders == 0) return connection_->send({packet.finish(), nullptr, false, 1});
    const std::vector<SharedText> shared{attachments.begin(), attachments.end()};
    for (OutPacket& part : with_attachments(packet.finish(), shared)) connection_->send(std::move(part));
}

bool SocketImpl::emit_with_ack(const EncodedEvent& event, std::chrono::milliseconds timeout, AckHandler handler) {
    if (!connected() || !event.text() || event.events() != 1) return false;
    if (!acks_) acks_ = std::make_unique<PendingAcks>();
    if (acks_->waiting.size() >= kPendingAcksMax) return false;
    const std::uint32_t id = acks_->next_id;
    acks_->next_id = (id + 1) & kAckIdMask;
    acks_->waiting.push_back({id, timeout, base::SteadyTime::max(), std::move(handler)});
    connection_->expect_ack();
    const std::size_t attachments = event.attachments() ? event.attachments()->size() : 0;
    const auto type = attachments > 0 ? PacketType::binary_event : PacketType::event;
    std::string header = packet_prefix(type, nsp(), std::to_string(id), attachments);
    header += event.without_offset().text().view();
    if (attachments == 0) {
        connection_->send(OutPacket::text(header));
        return true;
    }
    for (OutPacket& packet : with_attachments(SharedText{header}, *event.attachments())) {
        connection_->send(std::move(packet));
    }
    return true;
}

void SocketImpl::take_ack(std::string_view ack_id, const ReceivedAck& ack) {
    std::uint32_t id = 0;
    const auto [end, error] = std::from_chars(ack_id.data(), ack_id.data() + ack_id.size(), id);
    if (!acks_ || ack_id.empty() || error != std::errc{}) return;
    auto& waiting = acks_->waiting;
    const auto found = std::find_if(waiting.begin(), waiting.end(), [id](const auto& one) { return one.id == id; });
    if (found == waiting.end()) return;
    const AckHandler handler = std::move(found->handler);
    waiting.erase(found);
    handler(&ack);
}

void SocketImpl::arm_acks(base::SteadyTime now) {
    if (!acks_) return;
    for (PendingAck& ack : acks_->waiting) {
        if (ack.give_up_at == base::SteadyTime::max()) ack.give_up_at = now + ack.timeout;
    }
}

base::SteadyTime SocketImpl::ack_deadline() const {
    auto first = base::SteadyTime::max();
    if (!acks_) return first;
    for (const PendingAck& ack : acks_->waiting) first = std::min(first, ack.give_up_at);
    return first;
}

void SocketImpl::give_up_acks(base::SteadyTime now) {
    // A handler may ask again, or end the socket: what is given up is taken out before any is called.
    if (!acks_) return;
    std::vector<PendingAck> late;
    std::erase_if(acks_->waiting, [&](PendingAck& ack) {
        if (ack.give_up_at > now) return false;
        late.push_back(std::move(ack));
        return true;
    });
    for (const PendingAck& ack : late) ack.handler(nullptr);
}

void SocketImpl::detach(std::string_view reason) {
    const bool was_connected = connected();
    if (connection_ == nullptr) return;
    namespace_->remove(*this);
    last_transport_ = connection_->transport();
    connection_ = nullptr;
    const auto acks = std::exchange(acks_, nullptr);
    // The handlers usually hold the socket itself: letting go of them lets it die.
    const auto handler = take_handlers();
    if (!was_connected) return;
    const auto tell = [this](std::string_view what, const auto& call) {
        try {
            call();
        } catch (const std::exception& error) {
            base::log_error("a socket handler failed",
                            {{"handler", what}, {"namespace", nsp()}, {"error", error.what()}});
        }
    };
    for (std::size_t i = 0; acks && i < acks->waiting.size(); ++i)
        tell("ack", [&] { acks->waiting[i].handler(nullptr); });
    if (handler) tell("disconnect", [&] { handler(reason); });
}

NamespaceImpl::NamespaceImpl(std::string name)
    : name_{std::move(name)}, event_prefix_{packet_prefix(PacketType::event, name_)} {}

void NamespaceImpl::add(SocketImpl& socket) {
    sockets_.emplace(socket.id(), &socket);
}

SocketImpl* NamespaceImpl::find(std::string_view id) const {
    const auto found = sockets_.find(id);
    return found == sockets_.end() ? nullptr : found->second;
}

void NamespaceImpl::remove(SocketImpl& socket) {
    while (!socket.rooms_.empty()) leave_at(socket, socket.rooms_.size() - 1);
    // One that is not admitted yet may ask for the id of another.
    if (find(socket.id()) == &socket) sockets_.erase(socket.id());
}

void NamespaceImpl::join(SocketImpl& socket, std::string name) {
    auto found = rooms_.find(name);
    if (found == rooms_.end()) {
        auto room = std::make_unique<Room>(Room{std::move(name), {}});
        const std::string_view key = room->name;
        found = rooms_.emplace(key, std::move(room)).first;
    }
    Room& room = *found->second;
    for (const auto& membership : socket.rooms_) {
        if (membership.room == &room) return;
    }
    socket.rooms_.push_back({&room, room.members.size()});
    room.members.push_back(&socket);
}

void NamespaceImpl::leave(SocketImpl& socket, const std::string& name) {
    for (std::size_t i = 0; i < socket.rooms_.size(); ++i) {
        if (socket.rooms_[i].room->name == name) return leave_at(socket, i);
    }
}

void NamespaceImpl::leave_at(SocketImpl& socket, std::size_t membership) {
    Room& room = *socket.rooms_[membership].room;
    const std::size_t index = socket.rooms_[membership].index;
    socket.rooms_.erase(socket.rooms_.begin() + static_cast<std::ptrdiff_t>(membership));
    SocketImpl* const last = room.members.back();
    room.members[index] = last;
    room.members.pop_back();
    if (last != &socket) {
        for (auto& moved : last->rooms_) {
            if (moved.room == &room) moved.index = index;
        }
    }
    if (room.members.empty()) rooms_.erase(std::string_view{room.name});
}

std::vector<OutPacket> NamespaceImpl::packets(const EncodedEvent& event) const {
    if (event.attachments()) return with_attachments(SharedText{event.payload(name_)}, *event.attachments());
    return {OutPacket{event.text(), &event_prefix_, false, event.events(), event.states()}};
}

void NamespaceImpl::send(ClientConnection& connection, const EncodedEvent& event) const {
    if (!event.text()) return;
    if (!event.attachments()) {
        return connection.send({event.text(), &event_prefix_, false, event.events(), event.states()});
    }
    for (OutPacket& packet : packets(event)) connection.send(std::move(packet));
}

void NamespaceImpl::emit_to(const std::string& room, const EncodedEvent& event) {
    if (!event.text()) return;
    const std::vector<OutPacket> encoded = packets(event);
    const auto send_to = [&](SocketImpl& socket) {
        if (!socket.admitted_) return;
        if (!socket.takes_as_is(event)) return socket.send_event(event);
        if (event.has_offset()) socket.offset_ = event.offset();
        for (const OutPacket& packet : encoded) socket.connection_->send(packet);
    };
    if (const auto found = rooms_.find(room); found != rooms_.end()) {
        for (SocketImpl* const member : found->second->members) send_to(*member);
    }
    if (const auto own = sockets_.find(room); own != sockets_.end()) send_to(*own->second);
}

void NamespaceImpl::emit(const EncodedEvent& event) {
    if (!event.text()) return;
    const std::vector<OutPacket> encoded = packets(event);
    for (const auto& [id, socket] : sockets_) {
        if (!socket->takes_as_is(event)) {
            socket->send_event(event);
            continue;
        }
        if (event.has_offset()) socket->offset_ = event.offset();
        for (const OutPacket& packet : encoded) socket->connection_->send(packet);
    }
}

}  // namespace carillon::socketio
