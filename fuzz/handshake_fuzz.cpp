// A whole request to the Engine.IO path, as far as the verdict on it. In the query, `SIDP` and `SIDW` stand for the ids
// of a session on polling and one on WebSocket, which no fuzzer can guess.
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "http/cors.hpp"
#include "http/engine_http.hpp"
#include "http/request_parser.hpp"
#include "require.hpp"
#include "socketio/engine_server.hpp"

using namespace carillon;
using fuzz::require;

namespace {

struct NoLink final : socketio::WebSocketLink {
    std::size_t send(std::span<const socketio::OutPacket>) override { return 0; }
    void close() override {}
};

/// Lives as long as the process: a verdict changes nothing.
struct Target {
    Target() {
        const base::SteadyTime now{};
        polling = std::string{server.open_polling(now, {}).sid()};
        websocket = std::string{server.open_websocket(now, {}, link).sid()};
        server.flush(now);
    }

    const http::CorsPolicy origins{{"http://app.test"}};  ///< the one that may connect
    NoLink link;
    socketio::Server server{socketio::ServerConfig{}};
    std::string polling;
    std::string websocket;
};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
        text.replace(at, from.size(), to);
    }
}

void check_refusal(socketio::Refusal refusal) {
    const std::string body = socketio::refusal_body(refusal);
    require(body.starts_with("{\"code\":") && body.ends_with("\"}"), "a refusal has a body");
    const int status = socketio::refusal_status(refusal);
    require(status == 400 || status == 403, "a refusal has a status");
    const std::string answer = http::upgrade_refusal(status, socketio::refusal_message(refusal));
    require(answer.starts_with("HTTP/1.1 40"), "a refused WebSocket is told so");
}

void check_verdict(const socketio::Verdict& verdict, const socketio::EngineRequest& request, const Target& target) {
    if (const auto* refusal = std::get_if<socketio::Refusal>(&verdict)) return check_refusal(*refusal);
    require(request.origin_allowed, "a foreign origin is refused");
    require(request.eio == "4", "another protocol is refused");
    const bool fresh = std::holds_alternative<socketio::OpenPolling>(verdict) ||
                       std::holds_alternative<socketio::OpenWebSocket>(verdict);
    require(fresh == request.sid.empty(), "a handshake has no sid");
    if (const auto* upgrade = std::get_if<socketio::UpgradeSession>(&verdict)) {
        require(upgrade->session->sid() == target.polling, "only a polling session is upgraded");
    }
    if (const auto* poll = std::get_if<socketio::PollSession>(&verdict)) {
        require(poll->session->sid() == target.polling && request.method == "GET", "only a GET polls");
    }
    if (const auto* post = std::get_if<socketio::PostToSession>(&verdict)) {
        require(post->session->sid() == target.polling && request.method == "POST", "only a POST posts");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Target& target = *new Target;
    std::string inbox{fuzz::as_text(data, size)};
    http::RequestParser parser{16 * 1024, 100};
    if (parser.read_head(inbox) != http::RequestParser::Status::complete) return 0;
    http::Request& request = parser.request();
    replace_all(request.query, "SIDP", target.polling);
    replace_all(request.query, "SIDW", target.websocket);
    const http::EngineQuery query{request};
    const bool upgrade = parser.is_websocket_upgrade();
    const auto engine = http::engine_request(request, query, upgrade, target.origins);
    check_verdict(socketio::judge(engine, target.server), engine, target);
    if (const auto answer = http::websocket_answer(request)) {
        require(answer->starts_with("HTTP/1.1 101 ") && answer->ends_with("=\r\n\r\n"), "a handshake is answered");
        require(answer->find_first_of(std::string_view{"\0", 1}) == std::string::npos, "the answer is text");
    }
    const auto handshake = http::make_handshake(request, query);
    require(handshake.query.size() <= query.all.size(), "the last duplicate wins");
    return 0;
}
