#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/engine_session.hpp"
#include "socketio/namespace.hpp"
#include "socketio/packet.hpp"

namespace carillon::socketio {

class Server;

/// Socket.IO v5 over one engine session: the namespaces it has joined, and packets that wait for their attachments.
/// Owned by the server. Touched only on the shard's thread.
class ClientConnection final : public EngineSession {
 public:
    ClientConnection(Server& server, const Sid& sid, base::SteadyTime now, Handshake handshake, WebSocketLink* link);

    /// DISCONNECT of one namespace.
    void disconnect(SocketImpl& socket);
    /// DISCONNECT of all namespaces, then the transport closes.
    void disconnect_all();
    /// The middleware's verdict on a pending socket.
    void admit(const std::shared_ptr<SocketImpl>& socket);
    void refuse(SocketImpl& socket, const ConnectError& error);
    /// It has joined a namespace, or needs not, or never will. Only the first call counts.
    void end_handshake();
    /// A socket asked for an answer in this turn.
    void expect_ack();

    /// Lets go of sockets and transports without a word to anybody: the server is being destroyed.
    void orphan();

    // The server's.
    bool dirty = false;           ///< it is in the list
    bool deadline_moved = false;  ///< it is to be put in its place anew

 private:
    /// A binary packet whose attachments are on their way.
    struct PendingBinary {
        std::string text;
        Packet packet;  ///< points into `text`
        std::vector<std::string> attachments;
        std::size_t bytes = 0;
        base::SteadyTime give_up_at;
    };
    struct Left {
        std::string nsp;
        base::SteadyTime until;
    };

    void on_text(base::SteadyTime now, std::string_view text) override;
    void on_binary(base::SteadyTime now, std::string_view data) override;
    void on_upgraded() override;
    void on_closed(std::string_view reason) override;
    void on_released() override;
    void on_work() override;
    void on_output() override;
    void on_sent(std::size_t messages, std::size_t bytes) override;
    void on_queued(std::ptrdiff_t bytes) override;
    void on_spared(std::size_t messages) override;
    base::SteadyTime upper_deadline() const override;
    void on_upper_time(base::SteadyTime now) override;
    void on_upper_flush(base::SteadyTime now) override;

    void on_packet(base::SteadyTime now, std::string_view text);
    void on_connect(const Packet& packet);
    /// An event or ack, with all its attachments.
    void on_array(base::SteadyTime now, const Packet& packet, std::vector<std::string> attachments);
    void await_attachments(base::SteadyTime now, std::string_view text);
    void run_middleware(const std::shared_ptr<SocketImpl>& socket, std::size_t index);
    /// The joined socket of that namespace. Null when there is none: then the packet was late and is to be dropped, or
    /// the connection is closing.
    /// Whether it was in the namespace a moment ago.
    bool has_left(base::SteadyTime now, std::string_view nsp) const;
    std::shared_ptr<SocketImpl> require_socket(base::SteadyTime now, std::string_view nsp);
    std::shared_ptr<SocketImpl> find_socket(std::string_view nsp) const;
    void forget(SocketImpl& socket, std::string_view reason);

    // Constant after construction
    Server& server_;
    const Handshake handshake_;

    // Touched only on the shard's thread
    std::vector<std::shared_ptr<SocketImpl>> sockets_;  ///< pending and joined, one per namespace
    std::vector<Left> left_;
    std::unique_ptr<PendingBinary> binary_;
    base::SteadyTime connect_at_;  ///< when a connection without a namespace is closed
    bool shaking_hands_ = true;    ///< it has not joined a namespace yet
    bool left_in_this_turn_ = false;
    bool asked_in_this_turn_ = false;
};

}  // namespace carillon::socketio
