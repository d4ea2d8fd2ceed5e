// WebSocket requests: new sessions and upgrades, on the shard of the session.
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "http/engine_shard.hpp"
#include "loop/suspend.hpp"

namespace carillon::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// A descriptor on its way to another shard's loop.
struct HandedSocket {
    HandedSocket(tcp socket_protocol, int socket_descriptor)
        : protocol{socket_protocol}, descriptor{socket_descriptor} {}
    ~HandedSocket() {
        if (descriptor >= 0) ::close(descriptor);
    }
    HandedSocket(const HandedSocket&) = delete;
    HandedSocket& operator=(const HandedSocket&) = delete;

    /// Not open when the loop does not take it.
    tcp::socket arrive(const loop::Executor& executor) {
        tcp::socket socket{executor};
        boost::system::error_code ec;
        socket.assign(protocol, descriptor, ec);
        if (!ec) descriptor = -1;
        return socket;
    }

    const tcp protocol;
    int descriptor;
};

}  // namespace

loop::Task<int> EngineShard::serve_upgrade(std::shared_ptr<EngineShard> self, std::shared_ptr<Request> request,
                                           UpgradedStream stream) {
    // No coroutine stays behind: an open WebSocket is an object that waits for its socket, nothing else.
    const EngineQuery query{*request};
    if (!self->may_be_passed_on(*request)) {
        co_return refuse_upgrade(stream.socket, 401, "Not an internal token");
    }
    if (auto node = self->other_node(*request, query.sid)) {
        boost::system::error_code ignored;
        stream.socket.non_blocking(true, ignored);
        // Whatever is wrong with it by itself is refused here, as it would be there.
        const auto verdict = socketio::judge(engine_request(*request, query, true, self->origins_), self->server_);
        if (const auto* refusal = std::get_if<socketio::Refusal>(&verdict);
            refusal != nullptr && *refusal != socketio::Refusal::unknown_sid) {
            co_return refuse_upgrade(stream.socket, socketio::refusal_status(*refusal),
                                     socketio::refusal_message(*refusal));
        }
        auto tunnelling =
            EngineForwarder::tunnel(self->forwarder_, std::move(request), std::move(*node), std::move(stream));
        co_return co_await std::move(tunnelling);
    }
    auto owner = self->owner_of(query.sid);
    if (owner == self) {
        co_return self->upgrade_here(*request, std::move(stream.socket), std::move(stream.already_read));
    }
    boost::system::error_code ec;
    const auto protocol = stream.socket.local_endpoint(ec).protocol();
    const int descriptor = ec ? -1 : stream.socket.release(ec);
    if (ec) co_return 400;  // the client has gone
    auto handed = std::make_shared<HandedSocket>(protocol, descriptor);
    auto already_read = std::make_shared<std::string>(std::move(stream.already_read));
    std::function<void(loop::Resume<int>)> start = [&](loop::Resume<int> resume) {
        asio::post(owner->executor_, [owner, request, handed, already_read, resume = std::move(resume)] {
            auto socket = handed->arrive(owner->executor_);
            resume(socket.is_open() ? owner->upgrade_here(*request, std::move(socket), std::move(*already_read)) : 503);
        });
    };
    co_return co_await loop::suspend<int>(start);
}

int EngineShard::upgrade_here(const Request& request, tcp::socket socket, std::string already_read) {
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    if (closed_) return refuse_upgrade(socket, 503, "Server is draining");
    catch_up();
    const EngineQuery query{request};
    const auto verdict = socketio::judge(engine_request(request, query, true, origins_), server_);
    if (const auto* refusal = std::get_if<socketio::Refusal>(&verdict)) {
        return refuse_upgrade(socket, socketio::refusal_status(*refusal), socketio::refusal_message(*refusal));
    }
    const auto answer = websocket_answer(request);
    if (!answer) return refuse_upgrade(socket, 426, "Upgrade Required", "Sec-WebSocket-Version: 13");
    const bool opens = std::holds_alternative<socketio::OpenWebSocket>(verdict);
    auto address = budget_of_address(request.headers.has(kForwardedHeader) ? request.headers.get(kForwardedClientHeader)
                                                                           : std::string_view{request.remote_address});
    if (opens) {
        if (const auto refused = admit(address.get())) {
            return refuse_upgrade(socket, refused->status, refused->reason,
                                  "Retry-After: " + std::to_string(refused->retry_after_s));
        }
    }
    const auto connection = std::make_shared<EngineWebSocket>(shared_from_this(), std::move(socket),
                                                              message_bytes_max(), std::move(address));
    if (opens) {
        auto& session = server_.open_websocket(now(), make_handshake(request, query), *connection);
        connection->start(session, *answer, std::move(already_read));
    } else if (const auto* upgrade = std::get_if<socketio::UpgradeSession>(&verdict)) {
        upgrade->session->begin_upgrade(now(), *connection);
        connection->start(*upgrade->session, *answer, std::move(already_read));
    } else {
        connection->start_closing(*answer, std::move(already_read));
    }
    return 101;
}

}  // namespace carillon::http
