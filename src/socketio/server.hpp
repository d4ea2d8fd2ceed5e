#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/shared_text.hpp"

namespace carillon::socketio {

class SidCodec;

/// The small interface that applications program against: namespaces, sockets, events, acks, rooms. It is fed by the
/// Engine.IO layer below (engine_server.hpp) and does no I/O of its own. One `Server` per shard; everything here is
/// touched only on that shard's thread, except what says otherwise.

/// What the client showed when it connected.
struct Handshake {
    std::string remote_address;
    std::string origin;
    std::string authorization;                 ///< the HTTP header; empty when absent
    std::map<std::string, std::string> query;  ///< decoded, last duplicate wins. May hold a token: never log it
    std::string auth_json = "{}";              ///< text of the CONNECT packet's object
    std::string trace_id;
};

/// An event encoded once for any number of sockets. Cheap to copy; immutable, so it may cross threads.
class EncodedEvent {
 public:
    /// `arguments_json`: the JSON text of each argument. `attachments`: what its placeholders
    /// (`{"_placeholder":true,"num":0}`) stand for; ignored when there is no placeholder. Throws std::invalid_argument
    /// when an argument is not valid JSON, a placeholder has no attachment, or the name is reserved ("connect" and so
    /// on: a stock client would take the packet for a broken one).
    static EncodedEvent make(std::string_view event, std::span<const std::string_view> arguments_json,
                             std::vector<std::string> attachments = {});
    static EncodedEvent make(std::string_view event, std::initializer_list<std::string_view> arguments_json,
                             std::vector<std::string> attachments = {});
    /// From whole arrays `["name",args…]` that the caller wrote as valid JSON, with names that need no escapes: for the
    /// hot path, which does not read again what it has just written. Several, at most `kBatchMax`, have U+001E between
    /// them: they are events that always go together, and cost a socket one. No attachments. With an `offset`, which is
    /// that of the last one, the caller has given each array one (`append_offset`).
    static EncodedEvent from_arrays(SharedText arrays_json, std::uint16_t events,
                                    std::optional<std::uint64_t> offset = std::nullopt);
    /// `states`: a bit for each array, the first one's the lowest, that says how something is (a counter) and not what
    /// has happened. Of all those a socket is sent only the last one matters: while a client does not take what is
    /// sent, those before it are dropped. The others keep their order and are all sent.
    static EncodedEvent from_arrays(SharedText arrays_json, std::uint16_t events, std::optional<std::uint64_t> offset,
                                    std::uint8_t states);
    static constexpr std::uint16_t kBatchMax = 8;
    /// Makes an offset the last argument of the array that `arrays_json` ends with.
    static void append_offset(std::string& arrays_json, std::uint64_t offset);
    /// The same with an offset as its last argument (another one, when it has one). Copies the text.
    EncodedEvent with_offset(std::uint64_t offset) const;
    /// The same as it was made, without an offset. Copies the text if there is one.
    EncodedEvent without_offset() const;
    bool has_offset() const { return has_offset_; }
    /// 0 when it has none.
    std::uint64_t offset() const { return offset_; }
    /// The Engine.IO text payload for a namespace: `42["…",…]`, `42/ws,["…",…]`, `451-["…",…]`; of several events, with
    /// U+001E between them.
    std::string payload(std::string_view nsp) const;
    /// The name of the (first) event; good as long as this or a copy of it.
    std::string_view event() const;
    std::uint16_t events() const { return events_; }
    std::uint8_t states() const { return states_; }
    /// `["name",args…]`, shared by all who send it; none when default constructed.
    const SharedText& text() const { return text_; }
    /// Null when there are none. Each may be sent by itself.
    const std::shared_ptr<const std::vector<SharedText>>& attachments() const { return attachments_; }

 private:
    SharedText text_;
    std::uint16_t events_ = 1;
    std::uint8_t states_ = 0;
    bool has_offset_ = false;  ///< each array ends with `,"<offset>"]`
    std::uint64_t offset_ = 0;
    std::string escaped_name_;  ///< the name itself, when it is written with escapes
    std::shared_ptr<const std::vector<SharedText>> attachments_;
};

/// What a handler is given. The texts are good until it returns.
struct ReceivedEvent {
    std::string_view name;
    std::span<const std::string_view> arguments_json;  ///< each its JSON text; attachments are placeholders in it
    std::vector<std::string> attachments;              ///< of a binary event, in order
};

/// A client's answer to `Socket::emit_with_ack`. The texts are good until the handler returns.
struct ReceivedAck {
    std::span<const std::string_view> arguments_json;  ///< each its JSON text; attachments are placeholders in it
    std::vector<std::string> attachments;              ///< of a binary answer, in order
};

/// Called once: with the answer, or with null when none came in time or the socket has gone.
using AckHandler = std::function<void(const ReceivedAck*)>;

class Ack;

/// Gets an event of a client. An empty `Ack`: the client asked for no answer.
using EventHandler = std::function<void(const ReceivedEvent&, Ack)>;

/// Answers a received event once. Empty when the client asked for no answer. May be kept and called later; a call after
/// the socket has gone, or a second one, does nothing. Thread: the shard's.
class Ack {
 public:
    Ack() = default;
    explicit Ack(std::function<void(const std::vector<std::string_view>& arguments_json,
                                    const std::vector<std::string>& attachments)>
                     send)
        : send_{std::move(send)} {}
    explicit operator bool() const { return static_cast<bool>(send_); }
    void operator()(const std::vector<std::string_view>& arguments_json,
                    const std::vector<std::string>& attachments = {});

 private:
    std::function<void(const std::vector<std::string_view>&, const std::vector<std::string>&)> send_;
};

/// How many events of one socket may wait for their answers.
inline constexpr std::size_t kPendingAcksMax = 100;

/// One client in one namespace. Kept alive by whoever holds the pointer; after its disconnection every call is a no-op.
class Socket : public std::enable_shared_from_this<Socket> {
 public:
    virtual ~Socket() = default;

    virtual const std::string& id() const = 0;   ///< public name, never the engine session's secret id
    virtual const std::string& nsp() const = 0;  ///< "/" or "/ws"
    virtual const Handshake& handshake() const = 0;
    /// Frees what `handshake()` holds, for connections that live long; it is empty from then on.
    virtual void release_handshake() = 0;
    /// For middleware, before the client is admitted: the answer carries `pid` (text that needs no escapes in JSON),
    /// which a stock client shows in its auth object when it comes back, with the last offset it was sent. With an `id`
    /// it has come back, and has again the id that it had; a socket of that id that is still there leaves, and its
    /// transport closes.
    virtual void recover_as(std::string pid, std::string id = {}) = 0;
    /// From now on every event that asks for no answer ends with an offset, a number as a string: the event's own, else
    /// the one sent before it, at first `first`. A client must never find anything else there. Without this call no
    /// event has one.
    virtual void send_offsets(std::uint64_t first) = 0;
    virtual bool connected() const = 0;
    /// "polling" or "websocket", as of now; after the end, what it was at last.
    virtual std::string_view transport() const = 0;
    /// Bytes queued for the connection and not yet taken by its transport.
    virtual std::size_t queued_bytes() const = 0;

    virtual void emit(const EncodedEvent& event) = 0;
    /// The same for one socket; throws as `EncodedEvent::make` does.
    void emit(std::string_view event, std::initializer_list<std::string_view> arguments_json) {
        emit(EncodedEvent::make(event, arguments_json));
    }
    /// Emits one event and asks for an answer. False: nothing was sent and `handler` is not called, because the socket
    /// has gone or `kPendingAcksMax` of its events wait for an answer already. `timeout` counts from the end of the
    /// turn.
    virtual bool emit_with_ack(const EncodedEvent& event, std::chrono::milliseconds timeout, AckHandler handler) = 0;
    virtual void join(std::string room) = 0;
    virtual void leave(const std::string& room) = 0;
    /// Leaves the namespace with a DISCONNECT packet. With `close_transport` the whole connection closes after that: a
    /// stock client does not come back.
    virtual void disconnect(bool close_transport) = 0;
    /// Closes the connection without a DISCONNECT packet: a stock client comes back by itself. `reason` is what
    /// `on_disconnect` and the logs get.
    virtual void close_transport(std::string reason) = 0;

    /// Handles the client's events of that name, in order; a later handler takes the place of an earlier one. Events
    /// that nobody handles are dropped. Set in `on_connection`; freed with the disconnection.
    void on(std::string event, EventHandler handler);
    /// Sees every event, before the handler of its name.
    void on_any(EventHandler handler) { on_any_ = std::move(handler); }
    /// Once, with the reason: "transport close", "transport error", "ping timeout", "parse error", "forced close",
    /// "forced server close", "client namespace disconnect", "server namespace disconnect", "server shutting down",
    /// "slow consumer", or the one given to `close_transport`.
    void on_disconnect(std::function<void(std::string_view reason)> handler) { on_disconnect_ = std::move(handler); }
    /// The application's own state of this socket.
    std::shared_ptr<void> data;

 protected:
    // For implementations.
    void handle(const ReceivedEvent& event, Ack ack);
    /// Lets go of the handlers of events, and hands out the one of the disconnection.
    std::function<void(std::string_view reason)> take_handlers();

 private:
    struct Named {
        std::string event;
        EventHandler handler;
    };

    EventHandler on_any_;
    std::vector<Named> named_;
    std::function<void(std::string_view reason)> on_disconnect_;
};

using SocketPtr = std::shared_ptr<Socket>;

/// Becomes a CONNECT_ERROR packet `{message, data}`. A stock client does not retry after it.
struct ConnectError {
    std::string message;
    std::string data_json;  ///< JSON text; empty: no `data`
};

/// Goes on with a pending CONNECT: with nothing to admit it, with an error to refuse it. May be called later, once; a
/// call after the connection has gone does nothing.
using Next = std::function<void(std::optional<ConnectError>)>;

/// Runs before a client is admitted. The socket is not connected yet: it can hold `data`, not emit.
using Middleware = std::function<void(const SocketPtr&, Next)>;

class Namespace;

/// The members of a room, to emit to: `server.of("/").to("news").emit(event)`. Good as long as its namespace.
class RoomTarget {
 public:
    /// The packet is encoded once for all members.
    void emit(const EncodedEvent& event) const;

 private:
    friend class Namespace;
    RoomTarget(Namespace& nsp, std::string room) : namespace_{nsp}, room_{std::move(room)} {}

    Namespace& namespace_;
    const std::string room_;
};

class Namespace {
 public:
    virtual ~Namespace() = default;
    virtual void use(Middleware middleware) = 0;
    virtual void on_connection(std::function<void(const SocketPtr&)> handler) = 0;
    /// To every socket of the namespace; encoded once.
    virtual void emit(const EncodedEvent& event) = 0;
    /// A room, or one socket by its id.
    RoomTarget to(std::string room) { return {*this, std::move(room)}; }
    virtual std::size_t size() const = 0;

 protected:
    friend class RoomTarget;
    virtual void emit_to(const std::string& room, const EncodedEvent& event) = 0;
};

inline void RoomTarget::emit(const EncodedEvent& event) const {
    namespace_.emit_to(room_, event);
}

struct ServerConfig {
    std::chrono::milliseconds ping_interval{25'000};
    std::chrono::milliseconds ping_timeout{20'000};
    std::chrono::milliseconds upgrade_timeout{10'000};
    std::chrono::milliseconds connect_timeout{45'000};  ///< to join a namespace; re-armed when the last one is left
    std::size_t max_payload = 1'000'000;                ///< bytes of one polling body or WebSocket message
    std::size_t queue_bytes_max = 4'000'000;            ///< per connection; past it the transport closes
    std::size_t queue_packets_max = 10'000;
    std::size_t attachment_bytes_max = 4'000'000;          ///< of all attachments of one binary packet together
    std::chrono::milliseconds attachment_timeout{30'000};  ///< between a binary packet's header and each attachment
    std::chrono::milliseconds leave_grace{30'000};  ///< packets for a namespace left so recently are dropped quietly
    std::chrono::milliseconds poll_close_wait{30'000};  ///< how long a closed polling session waits for a last GET
    std::chrono::milliseconds noop_interval{100};       ///< between two NOOPs that release polls during an upgrade
    std::uint16_t shard = 0;                            ///< written into session ids; below 4,096
    std::shared_ptr<const SidCodec> sids;               ///< shared by the shards of a node; null: one of its own
};

}  // namespace carillon::socketio
