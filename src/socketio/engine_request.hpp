#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "socketio/engine_session.hpp"

namespace carillon::socketio {

class Server;

/// Why an Engine.IO request is refused. The values are the codes that the client is told (engine.io's `Server.errors`).
enum class Refusal : std::uint8_t {
    unknown_transport = 0,
    unknown_sid = 1,
    bad_handshake_method = 2,
    bad_request = 3,
    forbidden = 4,
    unsupported_protocol = 5,
};

std::string_view refusal_message(Refusal refusal);
/// `{"code":1,"message":"Session ID unknown"}`
std::string refusal_body(Refusal refusal);
/// 403 for `forbidden`, else 400.
int refusal_status(Refusal refusal);

/// What Engine.IO looks at in a request.
struct EngineRequest {
    std::string_view method = "GET";
    bool upgrade = false;  ///< asks for a WebSocket
    bool origin_allowed = true;
    std::string_view origin;
    std::string_view transport;
    std::string_view sid;  ///< empty: a handshake
    std::string_view eio;
};

struct OpenPolling {};    ///< answer with the open packet of a new session
struct OpenWebSocket {};  ///< accept the WebSocket of a new session
struct MethodRefused {};  ///< a method that polling does not have: 405
struct PollSession {
    EngineSession* session;
};
struct PostToSession {
    EngineSession* session;
};
struct UpgradeSession {
    EngineSession* session;
};
/// A WebSocket for a session that has one, or is just getting one: accept it and close it at once, as clients expect.
struct CloseWebSocket {};

using Verdict = std::variant<Refusal, MethodRefused, OpenPolling, OpenWebSocket, PollSession, PostToSession,
                             UpgradeSession, CloseWebSocket>;

/// What to do with a request, by the checks of the reference server in their order, except that the origin is checked
/// for every request, and that a session that has a WebSocket keeps it.
Verdict judge(const EngineRequest& request, Server& server);

/// A query as URLSearchParams reads it: percent-decoded, '+' is a space, any order. Broken escapes stay as they are.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace carillon::socketio
