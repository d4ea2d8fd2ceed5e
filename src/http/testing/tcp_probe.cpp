#include "http/testing/tcp_probe.hpp"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace carillon::http {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::seconds kWait{5};

}  // namespace

TcpProbe::TcpProbe(std::uint16_t port) : fd_{::socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) close();
}

TcpProbe::~TcpProbe() {
    close();
}

TcpProbe::TcpProbe(TcpProbe&& other) noexcept : fd_{std::exchange(other.fd_, -1)}, inbox_{std::move(other.inbox_)} {}

std::size_t TcpProbe::segments() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
    return info.tcpi_data_segs_in;
}

void TcpProbe::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void TcpProbe::finish_sending() {
    ::shutdown(fd_, SHUT_WR);
}

void TcpProbe::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void TcpProbe::abort() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
}

bool TcpProbe::receive(SteadyClock::time_point deadline, bool& closed) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    pollfd wait{fd_, POLLIN, 0};
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) <= 0) return false;
    std::array<char, 16'384> buffer;
    const auto read = ::recv(fd_, buffer.data(), buffer.size(), 0);
    closed = read <= 0;
    if (closed) return false;
    inbox_.append(buffer.data(), static_cast<std::size_t>(read));
    return true;
}

std::string TcpProbe::read_response(bool head_only) {
    const auto deadline = SteadyClock::now() + kWait;
    for (bool closed = false;;) {
        const auto end = inbox_.find("\r\n\r\n");
        if (end != std::string::npos) {
            auto size = end + 4;
            const auto length = inbox_.find("Content-Length: ");
            if (!head_only && length < end) size += std::strtoul(inbox_.c_str() + length + 16, nullptr, 10);
            if (inbox_.size() >= size) {
                auto out = inbox_.substr(0, size);
                inbox_.erase(0, size);
                return out;
            }
        }
        if (!receive(deadline, closed)) return std::exchange(inbox_, {});
    }
}

std::string TcpProbe::read_until(std::string_view text) {
    const auto deadline = SteadyClock::now() + kWait;
    for (bool closed = false;;) {
        if (const auto at = inbox_.find(text); at != std::string::npos) {
            auto out = inbox_.substr(0, at + text.size());
            inbox_.erase(0, out.size());
            return out;
        }
        if (!receive(deadline, closed)) return std::exchange(inbox_, {});
    }
}

std::optional<std::string> TcpProbe::read_until_closed(std::chrono::milliseconds wait) {
    const auto deadline = SteadyClock::now() + wait;
    bool closed = false;
    while (receive(deadline, closed)) {
    }
    if (!closed) return std::nullopt;
    return std::exchange(inbox_, {});
}

}  // namespace carillon::http
