// Engine.IO without Socket.IO: echoes every message, text as text and binary as binary.
#include "conformance_app.hpp"

namespace {

using namespace carillon;

void echo(socketio::EngineSession& session, bool binary, std::string_view data) {
    std::string packet{binary ? "" : "4"};
    packet += data;
    session.send({socketio::SharedText{packet}, nullptr, binary, 1});
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = conformance::parse_options(argc, argv, {});
    return conformance::run(options, "/engine.io/", [](socketio::Server& server, const conformance::Later&) {
        server.on_engine_message(echo);
    });
}
