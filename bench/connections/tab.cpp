#include "tab.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace carillon::bench {
namespace {

constexpr std::size_t kTabsPerAddress = 5'000;
constexpr time_t kPatienceSeconds = 30;

[[noreturn]] void fail(const std::string& what, const std::string& seen = {}) {
    throw std::runtime_error(what + ": " + (seen.empty() ? std::strerror(errno) : "got " + seen.substr(0, 300)));
}

}  // namespace

Tab::~Tab() {
    if (polling_ >= 0) ::close(polling_);
    if (websocket_ >= 0) ::close(websocket_);
}

Tab::Tab(Tab&& other) noexcept
    : port_{other.port_},
      number_{other.number_},
      token_{other.token_},
      sid_{std::move(other.sid_)},
      inbox_{std::move(other.inbox_)},
      polling_{std::exchange(other.polling_, -1)},
      websocket_{std::exchange(other.websocket_, -1)} {}

int Tab::connect() const {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) fail("socket");
    const int on = 1;
    ::setsockopt(descriptor, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const timeval patience{kPatienceSeconds, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 0x100 + static_cast<std::uint32_t>(number_ / kTabsPerAddress));
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
    return descriptor;
}

void Tab::send(int descriptor, std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t put = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (put < 0) fail("send");
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

void Tab::send_frame(std::string_view payload) const {
    // Masked with zeroes: allowed, and the payload stays readable.
    std::string frame{"\x81", 1};
    if (payload.size() < 126) {
        frame += static_cast<char>(0x80 | payload.size());
    } else {
        frame += static_cast<char>(0x80 | 126);
        frame += static_cast<char>(payload.size() >> 8);
        frame += static_cast<char>(payload.size());
    }
    frame.append(4, '\0');
    frame += payload;
    send(websocket_, frame);
}

void Tab::receive(int descriptor) {
    std::array<char, 8'192> buffer;
    const ssize_t got = ::recv(descriptor, buffer.data(), buffer.size(), 0);
    if (got <= 0) fail("the server closed", inbox_);
    inbox_.append(buffer.data(), static_cast<std::size_t>(got));
}

void Tab::await(int descriptor, std::string_view mark) {
    std::size_t at = 0;
    while ((at = inbox_.find(mark)) == std::string::npos) receive(descriptor);
    inbox_.erase(0, at + mark.size());
}

std::string Tab::target(std::string_view transport) const {
    std::string target = "/socket.io/?EIO=4&transport=" + std::string{transport};
    if (!sid_.empty()) target += "&sid=" + sid_;
    return target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
}

// --- Straight to WebSocket

void Tab::ask_websocket() {
    websocket_ = connect();
    send(websocket_, "GET " + target("websocket") +
                         "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
}

void Tab::join_namespace() {
    await(websocket_, " 101 ");
    await(websocket_, "\r\n\r\n");
    await(websocket_, "0{");
    send_frame("40{\"token\":\"" + token_ + "\"}");
}

void Tab::await_first_count() {
    await(websocket_, "40{");
    await(websocket_, "[\"unreadCount:updated\"");
    std::string{}.swap(inbox_);
}

// --- Over polling

std::string Tab::await_answer() {
    await(polling_, "HTTP/1.1 200 ");
    await(polling_, "Content-Length: ");
    const std::size_t size = std::stoul(inbox_.find('\r') == std::string::npos ? (receive(polling_), inbox_) : inbox_);
    await(polling_, "\r\n\r\n");
    while (inbox_.size() < size) receive(polling_);
    std::string body = inbox_.substr(0, size);
    inbox_.erase(0, size);
    return body;
}

void Tab::ask_polling() {
    polling_ = connect();
    send(polling_, "GET " + target("polling") + "\r\n");
}

void Tab::post_connect() {
    const std::string opened = await_answer();
    const auto at = opened.find("\"sid\":\"");
    if (at == std::string::npos) fail("handshake", opened);
    sid_ = opened.substr(at + 7, opened.find('"', at + 7) - at - 7);
    const std::string packet = "40{\"token\":\"" + token_ + "\"}";
    send(polling_, "POST " + target("polling") + "Content-Type: text/plain\r\nContent-Length: " +
                       std::to_string(packet.size()) + "\r\n\r\n" + packet);
}

void Tab::ask_packets() {
    if (await_answer() != "ok") fail("POST", inbox_);
    send(polling_, "GET " + target("polling") + "\r\n");
}

void Tab::await_packets() {
    for (std::string seen = await_answer(); seen.find("[\"unreadCount:updated\"") == std::string::npos;) {
        send(polling_, "GET " + target("polling") + "\r\n");
        seen += await_answer();
    }
}

void Tab::ask_upgrade() {
    ask_websocket();
    await(websocket_, "\r\n\r\n");
    send_frame("2probe");
    send(polling_, "GET " + target("polling") + "\r\n");
}

void Tab::hold_poll() {
    await(websocket_, "3probe");
    if (await_answer() != "6") fail("the last GET", inbox_);
}

void Tab::finish_upgrade() {
    send_frame("5");
    ::close(std::exchange(polling_, -1));
    std::string{}.swap(inbox_);
}

}  // namespace carillon::bench
