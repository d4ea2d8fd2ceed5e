#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "socketio/deadline_heap.hpp"
#include "socketio/engine_session.hpp"
#include "socketio/packet.hpp"
#include "socketio/server.hpp"

namespace carillon::socketio {

class ClientConnection;
class NamespaceImpl;

/// What a server tells about itself, for metrics. All calls on the shard's thread, from inside the server: an observer
/// only counts. A session counts from its handshake to its end: each `on_opened` is matched by one `on_closed`.
class Observer {
 public:
    virtual ~Observer() = default;
    /// `transport`: "polling" or "websocket".
    virtual void on_opened(std::string_view transport) { (void)transport; }
    /// A session moved from polling to WebSocket.
    virtual void on_upgraded() {}
    /// `transport` is the last one; `reason` as in `Socket::on_disconnect`, or "connect timeout" when no namespace was
    /// joined in time, or "slow consumer" when a queue ran over.
    virtual void on_closed(std::string_view transport, std::string_view reason) {
        (void)transport;
        (void)reason;
    }
    /// One Engine.IO message with Socket.IO data came in.
    virtual void on_message_received(std::size_t bytes) { (void)bytes; }
    /// So many were handed to a transport together.
    virtual void on_messages_sent(std::size_t messages, std::size_t bytes) {
        (void)messages;
        (void)bytes;
    }
    /// So many that were emitted will not be sent: newer states (`EncodedEvent::from_arrays`) have taken their place.
    virtual void on_messages_spared(std::size_t messages) { (void)messages; }
};

/// One Engine.IO message, text without its type digit or bytes. The view is good until the handler returns.
using EngineMessageHandler = std::function<void(EngineSession& session, bool binary, std::string_view data)>;

/// Engine.IO v4 and Socket.IO v5 for the connections of one shard, without I/O: a driver (http/engine_endpoint.hpp)
/// feeds it requests, frames and time, and it answers through `PollHold` and `WebSocketLink`.
///
///     Server server{config, &observer};
///     Namespace& root = server.of("/");
///     root.use(authenticate);
///     root.on_connection(greet);
///
/// Everything on the shard's thread. What is emitted in one turn of the loop leaves with the turn's `flush`, together.
class Server {
 public:
    /// `observer` may be null; it outlives the server.
    explicit Server(ServerConfig config, Observer* observer = nullptr);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// The namespace of that name ("/", "/ws"), made on first use. The reference lives as long as the server.
    /// Namespaces that nobody asked for are refused to clients as `Invalid namespace`.
    Namespace& of(std::string_view name);
    const ServerConfig& config() const { return config_; }
    /// Sessions that are open (closing ones do not count).
    std::size_t sessions() const { return open_sessions_; }
    /// Sessions that take memory: the open ones, and those whose end is not over.
    std::size_t sessions_held() const { return connections_.size() + ended_.size(); }
    /// Bytes queued in all sessions and not yet taken by their transports.
    std::size_t queued_bytes() const { return queued_bytes_; }
    /// Engine.IO without Socket.IO on top: `handler` gets every message of every session, and no session has to join a
    /// namespace. Set before the first session opens.
    void on_engine_message(EngineMessageHandler handler) { engine_handler_ = std::move(handler); }
    /// Closes every connection without a DISCONNECT packet, so that stock clients come back.
    void close_all(std::string_view reason);

    // For the driver.

    /// `hook` is called when there is something to flush or a deadline may have moved, at most once between two calls
    /// of `flush`. It must arrange for `flush` to be called at the end of the turn; `next_deadline` is right after
    /// that.
    void on_work(std::function<void()> hook) { work_hook_ = std::move(hook); }
    /// `hook` is called when a session is over, once for each.
    void on_session_end(std::function<void()> hook) { end_hook_ = std::move(hook); }
    /// `hook` is called when a session first joins a namespace, or is over before that: once for each.
    void on_handshake_end(std::function<void()> hook) { handshake_hook_ = std::move(hook); }
    /// A new session; `handshake.auth_json` comes later. For polling, answer with `open_packet()`; for WebSocket pass
    /// the link, which is sent the open packet with the next flush.
    EngineSession& open_polling(base::SteadyTime now, Handshake handshake);
    EngineSession& open_websocket(base::SteadyTime now, Handshake handshake, WebSocketLink& link);
    /// Null when unknown. The pointer is good until the next `flush`.
    EngineSession* find(std::string_view sid);
    std::optional<base::SteadyTime> next_deadline() const { return deadlines_.next(); }
    /// Does what is due: pings, timeouts.
    void on_time(base::SteadyTime now);
    /// Hands everything queued to the transports, and frees what has ended.
    void flush(base::SteadyTime now);

 private:
    friend class ClientConnection;

    // For the connections.
    std::shared_ptr<NamespaceImpl> find_namespace(std::string_view name);
    /// It has something to flush.
    void mark_dirty(ClientConnection& connection);
    /// The same, and its deadline may have come nearer.
    void mark_timed(ClientConnection& connection);
    void count_closed(Transport transport, std::string_view reason);
    void release(ClientConnection& connection);

    EngineSession& open(base::SteadyTime now, Handshake handshake, WebSocketLink* link);
    EngineSession::Sid make_sid() const;
    void rearm(ClientConnection& connection);
    void want_flush();

    // Constant after construction
    const ServerConfig config_;
    Observer* const observer_;

    // Touched only on the shard's thread
    std::function<void()> work_hook_;
    std::function<void()> end_hook_;
    std::function<void()> handshake_hook_;
    EngineMessageHandler engine_handler_;
    std::vector<std::shared_ptr<NamespaceImpl>> namespaces_;
    QueuePool queues_;  ///< outlives the connections
    std::unordered_map<std::string_view, std::unique_ptr<ClientConnection>>
        connections_;                                       ///< by sid, held in the value
    std::vector<std::unique_ptr<ClientConnection>> ended_;  ///< freed by the next flush: their own code may be running
    std::vector<ClientConnection*> dirty_;
    std::vector<ClientConnection*> flushing_;
    ArrayDecoder arrays_;
    DeadlineHeap deadlines_;
    std::size_t open_sessions_ = 0;
    std::size_t queued_bytes_ = 0;
    bool flush_wanted_ = false;
};

}  // namespace carillon::socketio
