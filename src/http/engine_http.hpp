#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/cors.hpp"
#include "http/message.hpp"
#include "socketio/engine_request.hpp"

namespace carillon::http {

/// A request as Engine.IO reads it, with the texts its views point to.
struct EngineQuery {
    explicit EngineQuery(const Request& request);

    std::string transport;
    std::string sid;
    std::string eio;
    std::vector<std::pair<std::string, std::string>> all;
};

socketio::EngineRequest engine_request(const Request& request, const EngineQuery& query, bool upgrade,
                                       const CorsPolicy& origins);

/// What the application sees of the request that opened the session.
socketio::Handshake make_handshake(const Request& request, const EngineQuery& query);

/// The answer 101, or nullopt when the request is not a WebSocket handshake of version 13.
std::optional<std::string> websocket_answer(const Request& request);

/// A whole answer to a refused WebSocket request, which closes the connection.
std::string upgrade_refusal(int status, std::string_view text, std::string_view extra_field = {});
/// Answers so and closes. Returns `status`.
int refuse_upgrade(boost::asio::ip::tcp::socket& socket, int status, std::string_view text,
                   std::string_view extra_field = {});

}  // namespace carillon::http
