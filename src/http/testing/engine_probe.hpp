#pragma once

#include <future>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/engine_endpoint.hpp"
#include "http/testing/probe_server.hpp"

namespace carillon::http {

/// What an Engine.IO client sends, as bytes.

inline constexpr std::string_view kPolling = "/socket.io/?EIO=4&transport=polling";

/// A client's frame, masked with zeros, so that it reads as it is.
inline std::string frame(int first, std::string_view payload) {
    std::string out{static_cast<char>(first)};
    if (payload.size() < 126) {
        out.push_back(static_cast<char>(0x80 | payload.size()));
    } else {
        out += {'\xFE', static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size() & 0xFF)};
    }
    out.append(4, '\0');
    out += payload;
    return out;
}

inline std::string get(std::string_view target, std::string_view fields = {}) {
    return "GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n";
}

inline std::string post(std::string_view target, std::string_view body,
                        std::string_view type = "text/plain;charset=UTF-8") {
    return "POST " + std::string{target} + " HTTP/1.1\r\nHost: a\r\nContent-Type: " + std::string{type} +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

inline std::string upgrade(std::string_view sid = {}, std::string_view fields = {}) {
    std::string target = "/socket.io/?EIO=4&transport=websocket";
    if (!sid.empty()) target += "&sid=" + std::string{sid};
    return get(target,
               "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                   std::string{fields});
}

inline std::string sid_of(const std::string& answer) {
    const auto at = answer.find("\"sid\":\"");
    return at == std::string::npos ? std::string{} : answer.substr(at + 7, socketio::SidCodec::kSidLength);
}

inline std::string with_sid(const std::string& sid) {
    return std::string{kPolling} + "&sid=" + sid;
}

/// One shard: a Socket.IO server that echoes, its endpoint, and a listener.
struct Shard final : socketio::Observer {
    explicit Shard(EngineEndpointConfig endpoint_config = {}, socketio::ServerConfig config = {},
                   const base::Clock& clock = base::system_clock())
        : server{config, this}, endpoint{probe.loop.executor(), server, clock, std::move(endpoint_config)} {
        server.of("/").on_connection([](const socketio::SocketPtr& socket) {
            auto* const self = socket.get();
            socket->on_any([self](const socketio::ReceivedEvent& event, socketio::Ack) {
                if (event.name == "kick") return self->disconnect(true);
                const std::string big = "\"" + std::string(100'000, 'x') + "\"";
                for (int i = 0; event.name == "flood" && i < 100; ++i) {
                    self->emit("flood", {big});
                }
                std::vector<std::string_view> arguments{event.arguments_json.begin(), event.arguments_json.end()};
                self->emit(socketio::EncodedEvent::make(event.name, arguments, event.attachments));
            });
        });
        probe.raw = &endpoint;
    }
    ~Shard() override {
        between_turns([this] {
            endpoint.close();
            probe.server->close();
        });
        probe.loop.stop();
        probe.loop.join();
    }

    void start() { probe.start(); }
    std::string ask(const std::string& request) const {
        auto client = probe.connect();
        client.send(request);
        return client.read_response();
    }
    std::string open() const { return sid_of(ask(get(kPolling))); }

    void on_closed(std::string_view, std::string_view reason) override {
        const std::lock_guard lock{mutex};
        reasons.emplace_back(reason);
    }
    /// Runs it on the shard's thread, between turns.
    template <class Work>
    void between_turns(Work work) {
        std::promise<void> done;
        loop::post(probe.loop.executor(), [&] {
            work();
            done.set_value();
        });
        done.get_future().wait();
    }
    bool ended_with(std::string_view reason) {
        return eventually([&] {
            const std::lock_guard lock{mutex};
            return !reasons.empty() && reasons.back() == reason;
        });
    }

    std::mutex mutex;
    std::vector<std::string> reasons;  // Guarded by mutex
    ProbeServer probe;
    socketio::Server server;
    EngineEndpoint endpoint;
};

}  // namespace carillon::http
