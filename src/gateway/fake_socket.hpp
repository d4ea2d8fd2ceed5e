#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "socketio/server.hpp"

namespace carillon::gateway::testing {

/// A socket for tests: keeps what is emitted, and plays the client.
class FakeSocket final : public socketio::Socket {
 public:
    explicit FakeSocket(std::string id) : id_{std::move(id)} {}

    const std::string& id() const override { return id_; }
    const std::string& nsp() const override { return nsp_; }
    const socketio::Handshake& handshake() const override { return handshake_value; }
    void release_handshake() override { handshake_value = {}; }
    void recover_as(std::string pid, std::string id) override {
        shown_pid = std::move(pid);
        if (!id.empty()) id_ = std::move(id);
    }
    void send_offsets(std::uint64_t first) override { first_offset = first; }
    bool connected() const override { return connected_; }
    std::string_view transport() const override { return "websocket"; }
    std::size_t queued_bytes() const override { return 0; }
    using Socket::emit;
    void emit(const socketio::EncodedEvent& event) override {
        if (connected_) emitted.push_back(event.payload("/").substr(2));
        if (on_emit) on_emit();
    }
    bool emit_with_ack(const socketio::EncodedEvent&, std::chrono::milliseconds, socketio::AckHandler) override {
        return false;
    }
    void join(std::string) override {}
    void leave(const std::string&) override {}
    void disconnect(bool) override { end("server namespace disconnect"); }
    void close_transport(std::string reason) override { end(reason); }

    /// The client goes away, or the server sends it away.
    void end(const std::string& reason) {
        if (!std::exchange(connected_, false)) return;
        ended_by = reason;
        if (const auto handler = take_handlers()) handler(reason);
    }
    /// The client sends an event; its acks come into `acks`.
    void send(std::string_view name, const std::vector<std::string>& arguments, bool with_ack = true) {
        socketio::Ack ack;
        if (with_ack) {
            ack = socketio::Ack{[this](const std::vector<std::string_view>& json, const std::vector<std::string>&) {
                acks.emplace_back(json.at(0));
            }};
        }
        const std::vector<std::string_view> views{arguments.begin(), arguments.end()};
        const socketio::ReceivedEvent event{name, views, {}};
        handle(event, std::move(ack));
    }

    socketio::Handshake handshake_value;
    std::vector<std::string> emitted;  ///< `["name",…]`
    std::vector<std::string> acks;
    std::string ended_by;
    std::function<void()> on_emit;
    std::string shown_pid;
    std::optional<std::uint64_t> first_offset;

 private:
    std::string id_;
    const std::string nsp_ = "/";
    bool connected_ = true;
};

}  // namespace carillon::gateway::testing
