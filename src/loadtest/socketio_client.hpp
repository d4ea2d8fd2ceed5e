#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "loadtest/stream.hpp"

namespace carillon::loadtest {

class SocketIoClient;

/// What clients tell their owner. A client must not be opened again from inside these calls; it may be closed.
class ClientEvents {
 public:
    /// The namespace has been joined.
    virtual void on_ready(SocketIoClient& client, base::SteadyTime now) = 0;
    /// `arguments`: the JSON texts behind the event's name, comma-separated; good until the call returns.
    virtual void on_event(SocketIoClient& client, std::string_view name, std::string_view arguments,
                          base::SteadyTime now) = 0;
    virtual void on_ack(SocketIoClient& client, std::uint64_t id, std::string_view arguments, base::SteadyTime now) = 0;
    /// Not by us. `was_ready` false: the attempt to connect failed.
    virtual void on_ended(SocketIoClient& client, std::string_view reason, bool was_ready) = 0;

 protected:
    ~ClientEvents() = default;
};

/// What all clients of a run share.
struct ClientSettings {
    std::string path = "/socket.io/";
    std::string nsp = "/";
};

/// One tab: Socket.IO v5 over Engine.IO v4 over a WebSocket, as a stock client with `transports: ['websocket']` speaks
/// it, and no more than that. Looks at what comes in without building anything from it.
class SocketIoClient final : private Stream {
 public:
    SocketIoClient(Reactor& reactor, ClientEvents& events, const ClientSettings& settings, std::uint32_t user,
                   std::uint32_t tab, std::uint32_t index);

    // Who it is. Constant after construction.
    const std::uint32_t user;
    const std::uint32_t tab;    ///< among the user's
    const std::uint32_t index;  ///< among all

    // The owner's notes.
    bool wanted = false;        ///< should be connected
    bool listening = false;     ///< the gateway has it in its registry, as far as can be told
    std::uint64_t version = 0;  ///< the newest it has seen
    std::uint32_t attempts = 0;
    base::SteadyTime asked_at{};  ///< when it was to connect

    /// False, with the reason, when not even an attempt could be made. `token` outlives the connection.
    bool connect(const Endpoint& endpoint, const sockaddr_in* source, const std::string& token, std::string& reason);
    bool idle() const { return state_ == State::closed; }
    bool ready() const { return state_ == State::ready; }
    base::SteadyTime started_at() const { return started_at_; }

    /// `arguments`: JSON texts. `ack_id`: 0 asks for none.
    void emit(std::string_view name, std::string_view arguments, std::uint64_t ack_id);
    /// Says goodbye and ends.
    void close();
    /// Ends as a broken network would.
    void lose();

 private:
    enum class State : std::uint8_t { closed, connecting, upgrading, opening, joining, ready };

    void on_connected() override;
    std::size_t on_bytes(std::string_view bytes, base::SteadyTime now) override;
    void on_ended(std::string_view reason) override;

    std::size_t read_upgrade(std::string_view bytes);
    void on_frame(const struct ServerFrame& frame, base::SteadyTime now);
    void on_engine_packet(std::string_view text, base::SteadyTime now);
    void on_packet(std::string_view packet, base::SteadyTime now);
    void send_text(std::string_view text);
    void fail(std::string_view reason);

    ClientEvents& events_;
    const ClientSettings& settings_;
    const std::string* token_ = nullptr;
    const Endpoint* endpoint_ = nullptr;
    base::SteadyTime started_at_{};
    std::string fragments_;
    State state_ = State::closed;
};

}  // namespace carillon::loadtest
