#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "http/testing/tcp_probe.hpp"

namespace carillon::gateway::testing {

struct HttpAnswer {
    int status = 0;
    std::string head;
    std::string body;
};

/// One request on a connection of its own.
inline HttpAnswer request(std::uint16_t port, const std::string& method, const std::string& target,
                          const std::string& token = {}, const std::string& body = {}) {
    http::TcpProbe probe{port};
    std::string text = method + ' ' + target + " HTTP/1.1\r\nHost: localhost\r\n";
    if (!token.empty()) text += "Authorization: Bearer " + token + "\r\n";
    if (!body.empty()) text += "Content-Type: application/json\r\n";
    if (method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    probe.send(text + "\r\n" + body);
    const std::string answer = probe.read_response();
    HttpAnswer parsed;
    const auto end = answer.find("\r\n\r\n");
    if (end == std::string::npos) return parsed;
    parsed.status = std::stoi(answer.substr(9, 3));
    parsed.head = answer.substr(0, end + 2);
    parsed.body = answer.substr(end + 4);
    return parsed;
}

/// A Socket.IO client for tests, over HTTP long-polling. Every wait has a deadline.
class PollingClient {
 public:
    explicit PollingClient(std::uint16_t port) : port_{port} {}

    /// The status of the handshake.
    int open() {
        const auto answer = request(port_, "GET", "/socket.io/?EIO=4&transport=polling");
        const auto sid = answer.body.find(R"("sid":")");
        if (answer.status == 200 && sid != std::string::npos) {
            sid_ = answer.body.substr(sid + 7, answer.body.find('"', sid + 7) - sid - 7);
        }
        return answer.status;
    }
    int send(const std::string& packet) {
        http::TcpProbe probe{port_};
        probe.send("POST " + target() + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: " +
                   std::to_string(packet.size()) + "\r\n\r\n" + packet);
        const std::string answer = probe.read_response();
        return answer.size() < 12 ? 0 : std::stoi(answer.substr(9, 3));
    }
    /// Polls until a packet holds `text`; returns that packet, or nothing once the session has ended.
    std::optional<std::string> wait_for(const std::string& text) {
        while (true) {
            while (!inbox_.empty()) {
                const auto end = inbox_.find('\x1e');
                std::string packet = inbox_.substr(0, end);
                inbox_ = end == std::string::npos ? std::string{} : inbox_.substr(end + 1);
                if (packet.find(text) != std::string::npos) return packet;
            }
            const auto answer = request(port_, "GET", target());
            if (answer.status != 200) return std::nullopt;
            inbox_ = answer.body;
        }
    }

 private:
    std::string target() const { return "/socket.io/?EIO=4&transport=polling&sid=" + sid_; }

    const std::uint16_t port_;
    std::string sid_;
    std::string inbox_;
};

}  // namespace carillon::gateway::testing
