// What the public Socket.IO v5 suite expects of a server: `auth` on connect, `message` -> `message-back`,
// `message-with-ack` -> acknowledged with its own arguments.
#include "conformance_app.hpp"

namespace {

using namespace carillon;
using socketio::EncodedEvent;

void greet(const socketio::SocketPtr& socket) {
    socket->emit(EncodedEvent::make("auth", {socket->handshake().auth_json}));
}

void serve_root(const socketio::SocketPtr& socket) {
    greet(socket);
    auto* const self = socket.get();
    socket->on_event = [self](const socketio::ReceivedEvent& event, socketio::Ack ack) {
        const std::vector<std::string_view> arguments{event.arguments_json.begin(), event.arguments_json.end()};
        if (event.name == "message") self->emit(EncodedEvent::make("message-back", arguments, event.attachments));
        if (event.name == "message-with-ack" && ack) ack(arguments, event.attachments);
    };
}

}  // namespace

int main(int argc, char** argv) {
    conformance::Options defaults;
    defaults.server.connect_timeout = std::chrono::milliseconds{1'000};
    const auto options = conformance::parse_options(argc, argv, defaults);
    return conformance::run(options, "/socket.io/", [](socketio::Server& server) {
        server.of("/").on_connection(serve_root);
        server.of("/custom").on_connection(greet);
    });
}
