#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carillon::bench {

/// A browser tab: one connection of a Socket.IO client, driven step by step over blocking sockets, so that many of them
/// can take each step together. Every failure is a std::runtime_error.
class Tab {
 public:
    /// `number` picks the source address, 127.0.x.y: one has not ports enough for all.
    Tab(std::uint16_t port, std::size_t number, std::string token)
        : port_{port}, number_{number}, token_{std::move(token)} {}
    ~Tab();
    Tab(Tab&& other) noexcept;
    Tab& operator=(Tab&&) = delete;

    // Straight to WebSocket.
    void ask_websocket();      ///< GET with the upgrade
    void join_namespace();     ///< waits for the handshake's answer and the open packet; CONNECT with the token
    void await_first_count();  ///< waits for the CONNECT's answer and the first count

    // Over polling, as stock clients begin; then `await_first_count` is not to be called.
    void ask_polling();     ///< GET, on a connection that is kept for the session
    void post_connect();    ///< waits for the session; POST of CONNECT with the token
    void ask_packets();     ///< waits for the POST's answer; GET
    void await_packets();   ///< waits for the CONNECT's answer and the first count, with more GETs when it must
    void ask_upgrade();     ///< a second connection: GET with the upgrade, then the probe
    void hold_poll();       ///< waits for the probe's answer; then the polling connection's last GET comes back
    void finish_upgrade();  ///< `5`, and the end of the polling connection

 private:
    void send(int descriptor, std::string_view bytes) const;
    void send_frame(std::string_view payload) const;
    void receive(int descriptor);
    void await(int descriptor, std::string_view mark);
    /// One whole answer of the polling connection; its body.
    std::string await_answer();
    int connect() const;
    std::string target(std::string_view transport) const;

    const std::uint16_t port_;
    const std::size_t number_;
    const std::string token_;
    std::string sid_;
    std::string inbox_;
    int polling_ = -1;
    int websocket_ = -1;
};

}  // namespace carillon::bench
