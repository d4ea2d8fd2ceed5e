// What the differential test (differential.test.mjs) compares with the reference; reference.mjs is the same in
// JavaScript. Besides serving, it prints one line when a socket goes: `disconnect <socket id> <reason>`.
#include <cstdio>

#include "conformance_app.hpp"

namespace {

using namespace carillon;
using namespace std::chrono_literals;
using socketio::EncodedEvent;

void serve(const socketio::SocketPtr& socket) {
    socket->emit("auth", {socket->handshake().auth_json});
    auto* const self = socket.get();
    socket->on("message", [self](const socketio::ReceivedEvent& event, const socketio::Ack&) {
        self->emit(EncodedEvent::make("message-back", event.arguments_json, event.attachments));
    });
    socket->on("message-with-ack", [](const socketio::ReceivedEvent& event, socketio::Ack ack) {
        const std::vector<std::string_view> arguments{event.arguments_json.begin(), event.arguments_json.end()};
        if (ack) ack(arguments, event.attachments);
    });
    socket->on("leave", [self](const auto&, const auto&) { self->disconnect(false); });
    socket->on("kick", [self](const auto&, const auto&) { self->disconnect(true); });
    socket->on("ask", [self](const socketio::ReceivedEvent& event, const socketio::Ack&) {
        const auto question = EncodedEvent::make("question", event.arguments_json, event.attachments);
        self->emit_with_ack(question, 5s, [self](const socketio::ReceivedAck* answer) {
            if (answer == nullptr) return;
            self->emit(EncodedEvent::make("answered", answer->arguments_json, answer->attachments));
        });
    });
    socket->on_disconnect([id = socket->id()](std::string_view reason) {
        std::printf("disconnect %s %.*s\n", id.c_str(), static_cast<int>(reason.size()), reason.data());
        std::fflush(stdout);
    });
}

/// Namespace "/shy": lets in who says please.
void judge(const socketio::SocketPtr& socket, const socketio::Next& next) {
    if (socket->handshake().auth_json.find("please") != std::string::npos) return next(std::nullopt);
    next(socketio::ConnectError{"say \"please\"", "{\"code\":\"E1\"}"});
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = conformance::parse_options(argc, argv, {});
    return conformance::run(options, "/socket.io/", [](socketio::Server& server, const auto&...) {
        for (const char* const name : {"/", "/custom", "/shy"}) server.of(name).on_connection(serve);
        server.of("/shy").use(judge);
    });
}
