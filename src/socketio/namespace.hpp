#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "socketio/engine_session.hpp"
#include "socketio/outgoing.hpp"
#include "socketio/server.hpp"

namespace carillon::socketio {

class ClientConnection;
class NamespaceImpl;
class SocketImpl;

struct Room {
    const std::string name;
    std::vector<SocketImpl*> members;
};

/// A socket: pending while middleware runs, then connected, then gone. The connection and the application share it;
/// what is gone has no connection and does nothing. Touched only on the shard's thread.
class SocketImpl final : public Socket {
 public:
    SocketImpl(ClientConnection& connection, std::shared_ptr<NamespaceImpl> nsp, Handshake handshake);

    const std::string& id() const override { return id_; }
    const std::string& nsp() const override;
    const Handshake& handshake() const override { return handshake_; }
    void release_handshake() override { handshake_ = Handshake{}; }
    void recover_as(std::string pid, std::string id) override;
    void send_offsets(std::uint64_t first) override;
    bool connected() const override { return connection_ != nullptr && admitted_; }
    std::string_view transport() const override;
    std::size_t queued_bytes() const override;
    using Socket::emit;
    void emit(const EncodedEvent& event) override;
    bool emit_with_ack(const EncodedEvent& event, std::chrono::milliseconds timeout, AckHandler handler) override;
    void join(std::string room) override;
    void leave(const std::string& room) override;
    void disconnect(bool close_transport) override;
    void close_transport(std::string reason) override;

    NamespaceImpl& home() const { return *namespace_; }
    /// Null when gone.
    ClientConnection* connection() const { return connection_; }
    bool admitted() const { return admitted_; }
    /// Returns the pid that the answer shows; empty when it has none.
    std::string set_admitted();
    /// An event, with or without an offset as this socket's client expects it.
    void send_event(const EncodedEvent& event);
    bool takes_as_is(const EncodedEvent& event) const { return offsets_ == event.has_offset(); }
    /// Runs the application's handler.
    void deliver(const ReceivedEvent& event, std::string_view ack_id);
    void send_ack(const std::string& ack_id, const std::vector<std::string_view>& arguments_json,
                  const std::vector<std::string>& attachments);
    /// The client's answer to an event; an id that nobody waits for is ignored.
    void take_ack(std::string_view ack_id, const ReceivedAck& ack);
    /// Sets the deadlines of what was asked in this turn.
    void arm_acks(base::SteadyTime now);
    /// When the first answer is given up; `SteadyTime::max()` when none is waited for.
    base::SteadyTime ack_deadline() const;
    void give_up_acks(base::SteadyTime now);
    /// Its connection goes without a word to the application.
    void orphan() {
        acks_.reset();
        take_handlers();
        detach({});
    }
    /// Cuts the socket off; the application hears of it when it was connected.
    void detach(std::string_view reason);

 private:
    friend class NamespaceImpl;

    struct Membership {
        Room* room;
        std::size_t index;  ///< in the room's members
    };

    struct PendingAck {
        std::uint32_t id;
        std::chrono::milliseconds timeout;
        base::SteadyTime give_up_at;
        AckHandler handler;
    };
    struct PendingAcks {
        std::uint32_t next_id = 0;
        std::vector<PendingAck> waiting;
    };

    // Constant after construction
    const std::shared_ptr<NamespaceImpl> namespace_;

    std::string id_;  ///< constant once admitted

    // Touched only on the shard's thread
    ClientConnection* connection_;
    std::unique_ptr<std::string> pid_;  ///< until it is admitted
    std::uint64_t offset_ = 0;          ///< the last one sent
    Handshake handshake_;
    std::vector<Membership> rooms_;
    std::unique_ptr<PendingAcks> acks_;  ///< made with the first
    bool admitted_ = false;
    bool offsets_ = false;
    Transport last_transport_ = Transport::polling;  ///< when there is no connection any more
};

/// One namespace of one server: its sockets, rooms and handlers. Never calls out while it iterates.
class NamespaceImpl final : public Namespace {
 public:
    explicit NamespaceImpl(std::string name);

    void use(Middleware middleware) override { middleware_.push_back(std::move(middleware)); }
    void on_connection(std::function<void(const SocketPtr&)> handler) override { handler_ = std::move(handler); }
    void emit(const EncodedEvent& event) override;
    std::size_t size() const override { return sockets_.size(); }

    const std::string& name() const { return name_; }
    const std::vector<Middleware>& middleware() const { return middleware_; }
    const std::function<void(const SocketPtr&)>& connection_handler() const { return handler_; }

    void add(SocketImpl& socket);
    /// The connected socket of that id, or null.
    SocketImpl* find(std::string_view id) const;
    void remove(SocketImpl& socket);
    void join(SocketImpl& socket, std::string room);
    void leave(SocketImpl& socket, const std::string& room);
    /// The packets of an event: one, or a header and its attachments.
    std::vector<OutPacket> packets(const EncodedEvent& event) const;
    void send(ClientConnection& connection, const EncodedEvent& event) const;

 private:
    void emit_to(const std::string& room, const EncodedEvent& event) override;
    void leave_at(SocketImpl& socket, std::size_t membership);

    // Constant after construction
    const std::string name_;
    const std::string event_prefix_;  ///< `42`, `42/ws,`: shared by all events

    // Touched only on the shard's thread
    std::vector<Middleware> middleware_;
    std::function<void(const SocketPtr&)> handler_;
    std::unordered_map<std::string_view, SocketImpl*> sockets_;  ///< by id, held in the socket; its own room
    std::unordered_map<std::string_view, std::unique_ptr<Room>> rooms_;
};

}  // namespace carillon::socketio
