// What the public Socket.IO v5 suite expects of a server: `auth` on connect, `message` -> `message-back`,
// `message-with-ack` -> acknowledged with its own arguments.
#include "conformance_app.hpp"

namespace {

using namespace carillon;
using socketio::EncodedEvent;

/// The public suite listens for one message at a time, and its WebSocket hands on all that came in one read at once:
/// what comes together with the CONNECT packet would be lost to it.
constexpr std::chrono::milliseconds kPause{40};

void greet(const socketio::SocketPtr& socket, const conformance::Later& later) {
    later(kPause, [socket] { socket->emit("auth", {socket->handshake().auth_json}); });
}

void serve_root(const socketio::SocketPtr& socket, const conformance::Later& later) {
    greet(socket, later);
    auto* const self = socket.get();
    socket->on("message", [self](const socketio::ReceivedEvent& event, const socketio::Ack&) {
        self->emit(EncodedEvent::make("message-back", event.arguments_json, event.attachments));
    });
    socket->on("message-with-ack", [](const socketio::ReceivedEvent& event, socketio::Ack ack) {
        const std::vector<std::string_view> arguments{event.arguments_json.begin(), event.arguments_json.end()};
        if (ack) ack(arguments, event.attachments);
    });
}

}  // namespace

int main(int argc, char** argv) {
    conformance::Options defaults;
    defaults.server.connect_timeout = std::chrono::milliseconds{1'000};
    const auto options = conformance::parse_options(argc, argv, defaults);
    return conformance::run(options, "/socket.io/", [](socketio::Server& server, const conformance::Later& later) {
        server.of("/").on_connection([later](const socketio::SocketPtr& socket) { serve_root(socket, later); });
        server.of("/custom").on_connection([later](const socketio::SocketPtr& socket) { greet(socket, later); });
    });
}
