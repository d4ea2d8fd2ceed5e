#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/address_limits.hpp"
#include "socketio/engine_session.hpp"
#include "socketio/websocket_codec.hpp"

namespace carillon::http {

class EngineWebSocket;

/// What the WebSocket connections of one shard share. Implemented by the endpoint.
class EngineWebSocketHost {
 public:
    virtual ~EngineWebSocketHost() = default;
    virtual base::SteadyTime now() const = 0;
    /// Where reads go before they are decoded, so that no idle connection holds a buffer.
    virtual std::span<char> read_buffer() = 0;
    /// Where frames are put together before they are written; empty on every call.
    virtual std::string& write_buffer() = 0;
    virtual void add(EngineWebSocket& connection) = 0;
    virtual void remove(EngineWebSocket& connection) = 0;
    /// The connection is closing: it is to be cut off (`abort`) when it has not ended within the close timeout.
    virtual void expect_end(const std::shared_ptr<EngineWebSocket>& connection) = 0;
    /// `resume_reading` is to be called after that long. Until then the connection is kept alive.
    virtual void resume_after(std::chrono::milliseconds pause, std::shared_ptr<EngineWebSocket> connection) = 0;
};

/// One WebSocket connection (RFC 6455) after its handshake: reads frames and hands messages to its session; writes what
/// the session sends, in one write as far as the socket takes it. Waits without a buffer. Lives as long as its wait for
/// the peer. Thread: the shard's.
class EngineWebSocket final : public socketio::WebSocketLink,
                              private socketio::WebSocketEvents,
                              public std::enable_shared_from_this<EngineWebSocket> {
 public:
    EngineWebSocket(std::shared_ptr<EngineWebSocketHost> host, boost::asio::ip::tcp::socket socket,
                    std::size_t message_bytes_max, std::shared_ptr<AddressBudget> address);
    ~EngineWebSocket() override;

    /// Writes the 101 answer, then serves `session`, which has been given this link. `already_read`: bytes that came
    /// behind the request.
    void start(socketio::EngineSession& session, std::string_view answer, std::string already_read);
    /// Writes the 101 answer and says goodbye: a WebSocket that nobody is to have.
    void start_closing(std::string_view answer, std::string already_read);
    void resume_reading();
    /// Cuts the connection off now.
    void abort();

    std::size_t send(std::span<const socketio::OutPacket> packets) override;
    void close() override;

 private:
    enum class Phase : std::uint8_t {
        open,
        close_sent,  ///< waiting for the peer's close frame
        ended,       ///< both sides have said goodbye: waiting for the end of the stream
    };

    bool on_message(bool binary, std::string_view data) override;
    bool on_ping(std::string_view data) override;
    void on_close(socketio::CloseCode code) override;

    void serve(std::string already_read);
    void wait_readable();
    void on_readable();
    bool read_some();
    /// Whether its address has sent more than it may: then it is read later.
    bool pause_reading();
    void decode(std::span<char> bytes);
    void write(std::string_view bytes);
    void wait_writable();
    void on_writable();
    void send_pongs();
    void send_close(socketio::CloseCode code, Phase next);
    void end_sending_when_drained();
    void flush_session();
    void lose(bool error);
    void lose_later();

    // Constant after construction
    const std::shared_ptr<EngineWebSocketHost> host_;
    const std::shared_ptr<AddressBudget> address_;  ///< null: no limit

    // Touched only on the shard's thread
    boost::asio::ip::tcp::socket socket_;
    socketio::WebSocketDecoder decoder_;
    socketio::EngineSession* session_ = nullptr;  ///< null before start, and when either side has let go
    std::string unsent_;                          ///< what the socket did not take
    std::unique_ptr<std::string> pongs_;          ///< frames that leave with the end of this read, or behind `unsent_`
    Phase phase_ = Phase::open;
    bool session_waits_ = false;  ///< for `link_writable`
    bool broken_ = false;
};

}  // namespace carillon::http
