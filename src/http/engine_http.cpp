#include "http/engine_http.hpp"

#include <boost/asio/buffer.hpp>

#include "socketio/websocket_codec.hpp"

namespace carillon::http {
namespace {

std::string_view phrase_of(int status) {
    switch (status) {
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 426:
            return "Upgrade Required";
        case 429:
            return "Too Many Requests";
        case 503:
            return "Service Unavailable";
        default:
            return "Error";
    }
}

}  // namespace

EngineQuery::EngineQuery(const Request& request) : all{socketio::parse_query(request.query)} {
    // The last duplicate wins.
    for (const auto& [name, value] : all) {
        if (name == "transport") transport = value;
        if (name == "sid") sid = value;
        if (name == "EIO") eio = value;
    }
}

socketio::EngineRequest engine_request(const Request& request, const EngineQuery& query, bool upgrade,
                                       const CorsPolicy& origins) {
    socketio::EngineRequest engine;
    engine.method =
        request.method == Method::other ? std::string_view{request.method_text} : method_name(request.method);
    engine.upgrade = upgrade;
    engine.origin = request.headers.get("origin");
    engine.origin_allowed = !origins.is_foreign(request);
    engine.transport = query.transport;
    engine.sid = query.sid;
    engine.eio = query.eio;
    return engine;
}

socketio::Handshake make_handshake(const Request& request, const EngineQuery& query) {
    socketio::Handshake handshake;
    handshake.remote_address = request.remote_address;
    handshake.origin = request.headers.get("origin");
    handshake.authorization = request.headers.get("authorization");
    handshake.trace_id = request.trace_id;
    for (const auto& [name, value] : query.all) handshake.query[name] = value;
    return handshake;
}

std::optional<std::string> websocket_answer(const Request& request) {
    if (request.headers.get("sec-websocket-version") != "13") return std::nullopt;
    const std::string accept = socketio::websocket_accept(request.headers.get("sec-websocket-key"));
    if (accept.empty() || request.headers.count("sec-websocket-key") != 1) return std::nullopt;
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
           accept + "\r\n\r\n";
}

std::string upgrade_refusal(int status, std::string_view text, std::string_view extra_field) {
    std::string answer{"HTTP/1.1 "};
    answer += std::to_string(status);
    answer += ' ';
    answer += phrase_of(status);
    answer += "\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: ";
    answer += std::to_string(text.size());
    answer += "\r\n";
    if (!extra_field.empty()) {
        answer += extra_field;
        answer += "\r\n";
    }
    answer += "\r\n";
    answer += text;
    return answer;
}

int refuse_upgrade(boost::asio::ip::tcp::socket& socket, int status, std::string_view text,
                   std::string_view extra_field) {
    // Smaller than any socket's buffer: if it does not fit at once, nobody is reading.
    const std::string answer = upgrade_refusal(status, text, extra_field);
    boost::system::error_code ignored;
    socket.write_some(boost::asio::buffer(answer), ignored);
    socket.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    socket.close(ignored);
    return status;
}

}  // namespace carillon::http
