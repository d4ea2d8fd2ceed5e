#include "store/postgres/testing/lossy_proxy.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace carillon::store::testing {
namespace {

constexpr int kPollMs = 20;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

bool send_all(int socket, const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto some = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (some <= 0) return false;
        sent += static_cast<std::size_t>(some);
    }
    return true;
}

// Empty at the end, or on a failure.
std::string receive(int socket) {
    std::string bytes(65'536, '\0');
    const auto got = ::recv(socket, bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
}

bool is_readable(int socket, int wait_ms) {
    pollfd entry{socket, POLLIN, 0};
    return ::poll(&entry, 1, wait_ms) > 0;
}

}  // namespace

LossyProxy::LossyProxy(std::uint16_t server_port) : server_port_{server_port} {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        std::perror("proxy");
        std::exit(1);
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread{[this] { accept_all(); }};
}

LossyProxy::~LossyProxy() {
    stopping_ = true;
    acceptor_.join();
    ::close(listener_);
    for (auto& carrier : carriers_) carrier.join();
}

void LossyProxy::cut_at(std::string text, Cut where) {
    const std::lock_guard lock{mutex_};
    text_ = std::move(text);
    where_ = where;
}

void LossyProxy::accept_all() {
    while (!stopping_) {
        if (!is_readable(listener_, kPollMs)) continue;
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address = loopback(server_port_);
        const bool refused = refusing_ && cutting_ > 0;
        if (refused || ::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            ::close(server);
            ::close(client);
            continue;
        }
        const std::lock_guard lock{mutex_};
        carriers_.emplace_back([this, client, server] { carry(client, server); });
    }
}

void LossyProxy::carry(int client, int server) {
    const int born_after = cutting_;
    while (!stopping_ && cutting_ == born_after) {
        pollfd entries[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
        if (::poll(entries, 2, kPollMs) <= 0) continue;
        if (entries[0].revents != 0) {
            const auto bytes = receive(client);
            if (bytes.empty() || !pass_on(bytes, server)) break;
        }
        if (entries[1].revents != 0) {
            const auto bytes = receive(server);
            if (bytes.empty() || !send_all(client, bytes)) break;
        }
    }
    ::close(server);
    ::close(client);
}

bool LossyProxy::pass_on(const std::string& bytes, int server) {
    bool cut = false;
    bool answered = false;
    {
        const std::lock_guard lock{mutex_};
        cut = !text_.empty() && bytes.find(text_) != std::string::npos;
        answered = where_ == Cut::before_the_client;
        if (cut) text_.clear();
    }
    if (!cut) return send_all(server, bytes);
    ++cutting_;
    if (answered) {
        send_all(server, bytes);
        receive(server);
    }
    ++cuts_;
    return false;
}

}  // namespace carillon::store::testing
