#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "socketio/deadline_heap.hpp"
#include "socketio/engine_packet.hpp"
#include "socketio/outgoing.hpp"
#include "socketio/server.hpp"
#include "socketio/sid_codec.hpp"

namespace carillon::socketio {

enum class Transport : std::uint8_t { polling, websocket };

std::string_view transport_name(Transport transport);

/// A GET that waits for its answer. Made by the driver; the session forgets it with the call of `answer`, or with
/// `EngineSession::poll_lost`.
class PollHold {
 public:
    virtual ~PollHold() = default;
    /// `status` 200: `body` is a payload of packets. 400: no body.
    virtual void answer(int status, std::string body) = 0;
};

/// A WebSocket connection as a session sees it. Made by the driver. After `close` the session does not use it again,
/// and it must not call the session again; the same after `EngineSession::link_lost`.
class WebSocketLink {
 public:
    virtual ~WebSocketLink() = default;
    /// Sends the packets in order, one message for each, together. Returns the bytes that the connection could not take
    /// yet; when that is not zero, `EngineSession::link_writable` follows once they are gone, and no `send` before it.
    virtual std::size_t send(std::span<const OutPacket> packets) = 0;
    /// Starts the closing handshake behind everything sent, without a status code.
    virtual void close() = 0;
};

/// The answer to a POST.
struct PostAnswer {
    int status = 200;  ///< 200: `ok`; 400: no body
};

/// The Engine.IO v4 state machine of one session (engine.io-protocol v4): transports, upgrade, heartbeat, closing, and
/// a bounded queue of what goes out. Abstract: what is above it (Socket.IO) derives from it. Touched only on the
/// shard's thread. Nothing here calls into the application while a caller of `send` is on the stack.
class EngineSession : public Timed {
 public:
    /// At most so many packets in one polling answer: python-engineio refuses more.
    static constexpr std::size_t kPollPacketsMax = 16;
    using Sid = std::array<char, SidCodec::kSidLength>;

    /// `link` null: the session begins on polling.
    EngineSession(const ServerConfig& config, QueuePool& queues, const Sid& sid, base::SteadyTime now,
                  WebSocketLink* link);
    virtual ~EngineSession() = default;
    EngineSession(const EngineSession&) = delete;
    EngineSession& operator=(const EngineSession&) = delete;

    std::string_view sid() const { return {sid_.data(), sid_.size()}; }
    Transport transport() const { return transport_; }
    bool open() const { return state_ == State::open; }
    /// Whether a WebSocket may be attached as an upgrade now.
    bool upgradable() const { return open() && transport_ == Transport::polling && probe_ == nullptr; }
    std::size_t queued_bytes() const { return queued_bytes_ + link_bytes_; }
    std::size_t queued_packets() const { return queue_.size(); }

    /// `0{"sid":…}`: the body of the answer to a polling handshake.
    std::string open_packet() const;

    // Polling, from the driver.

    /// A GET. It is answered now or later; a second one while one waits closes the session.
    void poll(base::SteadyTime now, PollHold& hold);
    /// The client of a waiting GET has gone.
    void poll_lost(PollHold& hold);
    /// A POST has begun whose body is still on its way; `which` tells it from others. A second one at the same time
    /// closes the session.
    void begin_post(const void* which);
    /// The client of that POST has gone.
    void post_lost(const void* which);
    /// The body of that POST was too large and has been dropped; the session goes on.
    void post_refused(const void* which);
    /// A POST with its whole body; `which` if it was announced. The packets have been processed when it returns.
    PostAnswer post(base::SteadyTime now, std::string_view body, bool octet_stream, const void* which = nullptr);

    // WebSocket, from the driver.

    /// A WebSocket connection with this session's sid; only when `upgradable()`.
    void begin_upgrade(base::SteadyTime now, WebSocketLink& link);
    /// One message, valid UTF-8 if text. Without effect when `link` is not (or no longer) this session's.
    void link_text(base::SteadyTime now, WebSocketLink& link, std::string_view text);
    void link_binary(base::SteadyTime now, WebSocketLink& link, std::string_view data);
    /// The connection has ended. `error`: by a protocol error or a broken connection, not by a close.
    void link_lost(WebSocketLink& link, bool error);
    void link_writable(WebSocketLink& link);

    // From above.

    /// Queues a packet for the end of the turn. Past the bounds the session closes then ("slow consumer"). While the
    /// client does not take what is sent, states in it take the place of those that wait.
    void send(OutPacket packet);
    /// Ends the session: what is queued goes out first, then the transport closes. Without effect when it has ended.
    void close(std::string_view reason);

    // From the server.

    void on_time(base::SteadyTime now);
    void flush(base::SteadyTime now);
    /// The earliest thing to do by the clock; `SteadyTime::max()` when there is none.
    base::SteadyTime deadline() const;
    /// Lets go of all transports at once, without closing them nicely.
    void abandon();

 protected:
    static constexpr base::SteadyTime kNever = base::SteadyTime::max();

    // What is above. `on_text` and `on_binary` get Engine.IO messages without their type digit.
    virtual void on_text(base::SteadyTime now, std::string_view text) = 0;
    virtual void on_binary(base::SteadyTime now, std::string_view data) = 0;
    virtual void on_upgraded() = 0;
    /// Once: the session is over for those above.
    virtual void on_closed(std::string_view reason) = 0;
    /// Once, after `on_closed`: its transports have gone too, and the server may forget it.
    virtual void on_released() = 0;
    /// There is something to flush, or `deadline()` may have moved.
    virtual void on_work() = 0;
    /// There is something to flush, and `deadline()` has not moved.
    virtual void on_output() = 0;
    virtual void on_sent(std::size_t messages, std::size_t bytes) = 0;
    virtual void on_queued(std::ptrdiff_t bytes) = 0;
    /// So many messages will not be sent: newer states have taken their place.
    virtual void on_spared(std::size_t messages) = 0;
    /// A deadline of the layer above, part of `deadline()`.
    virtual base::SteadyTime upper_deadline() const = 0;
    virtual void on_upper_time(base::SteadyTime now) = 0;
    virtual void on_upper_flush(base::SteadyTime now) = 0;

    const ServerConfig& config() const { return config_; }

 private:
    enum class State : std::uint8_t {
        open,
        closing,   ///< over for those above; a transport still has to hear of it
        released,  ///< nothing is attached any more
    };
    enum class Probe : std::uint8_t { none, attached, probed };

    void on_packet(base::SteadyTime now, const EnginePacket& packet);
    void on_pong(base::SteadyTime now);
    void on_alive(base::SteadyTime now);
    /// `at` when something by the clock is due as planned, `now` when it comes markedly late.
    base::SteadyTime punctual(base::SteadyTime at, base::SteadyTime now) const;
    void on_probe_text(base::SteadyTime now, std::string_view text);
    void complete_upgrade();
    void drop_probe(bool close_it);
    void heartbeat(base::SteadyTime now);
    void end(std::string_view reason);
    void fail(std::string_view reason);
    void release();
    void answer_poll(int status, std::string body);
    void flush_poll(base::SteadyTime now);
    void flush_link();
    void flush_closing(base::SteadyTime now);
    std::string take_payload(std::size_t packets_max);
    void clear_queue();
    /// Whether what is queued now has to wait for the client: behind what its connection has not taken, or for a GET.
    bool is_behind() const { return transport_ == Transport::websocket ? link_bytes_ > 0 : poll_ == nullptr; }
    void keep_last_state(OutPacket& packet);

    // Constant after construction
    const ServerConfig& config_;
    const Sid sid_;

    // Touched only on the shard's thread
    OutQueue queue_;
    PollHold* poll_ = nullptr;
    const void* receiving_ = nullptr;  ///< the POST whose body is on its way
    WebSocketLink* link_ = nullptr;
    WebSocketLink* probe_ = nullptr;
    base::SteadyTime heartbeat_at_;         ///< when the next ping is due, or its pong
    base::SteadyTime upgrade_at_ = kNever;  ///< when a running upgrade is given up
    base::SteadyTime noop_at_{};            ///< not before then is a poll released by a NOOP during an upgrade
    base::SteadyTime closing_at_ = kNever;  ///< when a closed polling session stops waiting for a last GET
    std::size_t queued_bytes_ = 0;
    std::size_t link_bytes_ = 0;  ///< sent, but still in the link
    State state_ = State::open;
    Transport transport_;
    Probe probe_state_ = Probe::none;
    bool awaiting_pong_ = false;
    bool pong_extended_ = false;
    bool overflowed_ = false;
};

}  // namespace carillon::socketio
