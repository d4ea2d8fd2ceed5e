#include "socketio/engine_request.hpp"

#include <algorithm>

#include "socketio/engine_server.hpp"

namespace carillon::socketio {
namespace {

bool has_invalid_characters(std::string_view header) {
    return std::any_of(header.begin(), header.end(),
                       [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
}

Verdict judge_known(const EngineRequest& request, EngineSession& session) {
    const bool same = request.transport == transport_name(session.transport());
    if (!request.upgrade && !same) return Refusal::bad_request;
    if (request.eio != "4") return Refusal::bad_request;
    if (request.upgrade) {
        if (request.transport != "websocket") return Refusal::bad_request;
        // The reference lets a second WebSocket take a session over. Only a polling session can be upgraded, once.
        if (!session.upgradable()) return CloseWebSocket{};
        return UpgradeSession{&session};
    }
    if (session.transport() == Transport::websocket) return Refusal::bad_request;
    if (request.method == "GET") return PollSession{&session};
    if (request.method == "POST") return PostToSession{&session};
    return MethodRefused{};
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string decode_component(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out.push_back(' ');
        } else if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                   hex_value(text[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

}  // namespace

std::string_view refusal_message(Refusal refusal) {
    switch (refusal) {
        case Refusal::unknown_transport:
            return "Transport unknown";
        case Refusal::unknown_sid:
            return "Session ID unknown";
        case Refusal::bad_handshake_method:
            return "Bad handshake method";
        case Refusal::bad_request:
            return "Bad request";
        case Refusal::forbidden:
            return "Forbidden";
        case Refusal::unsupported_protocol:
            return "Unsupported protocol version";
    }
    return "Bad request";
}

std::string refusal_body(Refusal refusal) {
    std::string body{"{\"code\":"};
    body += std::to_string(static_cast<int>(refusal));
    body += ",\"message\":\"";
    body += refusal_message(refusal);
    body += "\"}";
    return body;
}

int refusal_status(Refusal refusal) {
    return refusal == Refusal::forbidden ? 403 : 400;
}

Verdict judge(const EngineRequest& request, Server& server) {
    if (request.transport != "polling" && request.transport != "websocket") return Refusal::unknown_transport;
    if (has_invalid_characters(request.origin)) return Refusal::bad_request;
    if (!request.origin_allowed) return Refusal::forbidden;
    if (!request.sid.empty()) {
        EngineSession* const session = server.find(request.sid);
        if (session == nullptr) return Refusal::unknown_sid;
        return judge_known(request, *session);
    }
    if (request.method != "GET") return Refusal::bad_handshake_method;
    if ((request.transport == "websocket") != request.upgrade) return Refusal::bad_request;
    if (request.eio != "4") return Refusal::unsupported_protocol;
    if (request.upgrade) return OpenWebSocket{};
    return OpenPolling{};
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
    std::vector<std::pair<std::string, std::string>> values;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        const std::string_view value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
        values.emplace_back(decode_component(pair.substr(0, equals)), decode_component(value));
    }
    return values;
}

}  // namespace carillon::socketio
