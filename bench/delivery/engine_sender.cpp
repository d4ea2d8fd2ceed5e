// socketio/ and http/ alone: the event is encoded once and emitted to each socket.
#include <charconv>
#include <map>

#include "base/clock.hpp"
#include "http/engine_endpoint.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "metrics/registry.hpp"
#include "sender.hpp"
#include "socketio/engine_server.hpp"

namespace carillon::bench {
namespace {

http::ServerConfig listener_config(const SenderPlan& plan) {
    http::ServerConfig config;
    config.connections_max = plan.sockets + 100;
    return config;
}

socketio::ServerConfig engine_config() {
    socketio::ServerConfig config;
    config.ping_interval = std::chrono::hours{1};  // the reader does not answer
    return config;
}

class EngineSender final : public Sender {
 public:
    EngineSender(const SenderPlan& plan, boost::asio::io_context& context)
        : plan_{plan},
          context_{context},
          router_{base::system_clock(), metrics_, {}, "bench"},
          server_{engine_config()},
          endpoint_{context.get_executor(), server_, base::system_clock(), http::EngineEndpointConfig{}},
          listener_{context.get_executor(), listener_config(plan), base::system_clock(), router_, &endpoint_},
          users_(plan.users()) {
        server_.of("/").on_connection([this](const socketio::SocketPtr& socket) {
            const std::string& auth = socket->handshake().auth_json;  // {"token":"<user>"}
            std::size_t user = 0;
            std::from_chars(auth.data() + 10, auth.data() + auth.size(), user);
            users_.at(user).push_back(socket);
            socket->release_handshake();
        });
        listener_.start();
    }
    ~EngineSender() override {
        endpoint_.close();
        listener_.close();
        context_.poll();
    }

    const char* name() const override { return "socketio + http"; }
    std::uint16_t port() const override { return listener_.port(); }
    Hello hello() const override { return Hello::socketio; }
    std::vector<std::string> tokens() const override {
        std::vector<std::string> tokens;
        for (std::size_t i = 0; i < plan_.sockets; ++i) tokens.push_back(std::to_string(i % plan_.users()));
        return tokens;
    }

    std::uint64_t send(std::uint64_t deliveries) override {
        std::uint64_t sent = 0;
        while (sent < deliveries) {
            for (std::size_t i = 0; i < plan_.events_per_turn; ++i) sent += send_event();
            context_.poll();
        }
        return sent;
    }

 private:
    std::size_t send_event() {
        const std::string payload = event_payload(plan_.frame_bytes);
        constexpr std::size_t kHead = sizeof("42[\"notification:new\",") - 1;
        const std::string_view argument = std::string_view{payload}.substr(kHead, payload.size() - kHead - 1);
        const auto event = socketio::EncodedEvent::make("notification:new", {argument});
        auto& sockets = users_[next_++ % users_.size()];
        for (const auto& socket : sockets) socket->emit(event);
        return sockets.size();
    }

    const SenderPlan plan_;
    boost::asio::io_context& context_;
    metrics::Registry metrics_;
    const http::Router router_;
    socketio::Server server_;
    http::EngineEndpoint endpoint_;
    http::Server listener_;
    std::vector<std::vector<socketio::SocketPtr>> users_;
    std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<Sender> make_engine_sender(const SenderPlan& plan, boost::asio::io_context& context) {
    return std::make_unique<EngineSender>(plan, context);
}

}  // namespace carillon::bench
