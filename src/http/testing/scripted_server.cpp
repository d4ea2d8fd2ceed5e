#include "http/testing/scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <stdexcept>

namespace carillon::http {
namespace {

struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

std::size_t body_size(const std::string& head) {
    const auto at = head.find("\r\nContent-Length: ");
    std::size_t size = 0;
    if (at != std::string::npos) std::from_chars(head.data() + at + 18, head.data() + head.size(), size);
    return size;
}

}  // namespace

struct ScriptedServer::Connection {
    int socket = -1;
    std::unique_ptr<SSL_CTX, SslDeleter> context;
    std::unique_ptr<SSL, SslDeleter> ssl;
    std::string inbox;
    std::thread thread;

    bool read() {
        std::array<char, 16 * 1024> bytes;
        const auto size = ssl ? static_cast<ssize_t>(SSL_read(ssl.get(), bytes.data(), static_cast<int>(bytes.size())))
                              : ::recv(socket, bytes.data(), bytes.size(), 0);
        if (size <= 0) return false;
        inbox.append(bytes.data(), static_cast<std::size_t>(size));
        return true;
    }
    bool write(const std::string& bytes) {
        std::size_t sent = 0;
        while (sent < bytes.size()) {
            const auto left = bytes.size() - sent;
            const auto size =
                ssl ? static_cast<ssize_t>(SSL_write(ssl.get(), bytes.data() + sent, static_cast<int>(left)))
                    : ::send(socket, bytes.data() + sent, left, MSG_NOSIGNAL);
            if (size <= 0) return false;
            sent += static_cast<std::size_t>(size);
        }
        return true;
    }
};

ScriptedServer::ScriptedServer(Script script, Tls tls) : script_{std::move(script)}, tls_{std::move(tls)} {
    // OpenSSL writes without MSG_NOSIGNAL.
    std::signal(SIGPIPE, SIG_IGN);
    start();
}

ScriptedServer::~ScriptedServer() {
    stop();
}

std::string ScriptedServer::url() const {
    return (tls_.certificate.empty() ? "http://127.0.0.1:" : "https://127.0.0.1:") + std::to_string(port_);
}

std::string ScriptedServer::answer(int status, const std::string& body, const std::string& fields) {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" + fields +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void ScriptedServer::start() {
    stopping_ = false;
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0) {
        throw std::runtime_error{"a scripted server cannot listen"};
    }
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread{[this, listener = listener_] { accept(listener); }};
}

void ScriptedServer::stop() {
    if (listener_ < 0) return;
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    listener_ = -1;
    std::list<std::unique_ptr<Connection>> open;
    {
        const std::lock_guard lock{mutex_};
        open.swap(open_);
    }
    for (const auto& one : open) ::shutdown(one->socket, SHUT_RDWR);
    for (const auto& one : open) {
        one->thread.join();
        ::close(one->socket);
    }
}

void ScriptedServer::accept(int listener) {
    while (!stopping_) {
        const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) return;
        ++connections_;
        auto connection = std::make_unique<Connection>();
        connection->socket = socket;
        auto& bare = *connection;
        const std::lock_guard lock{mutex_};
        open_.push_back(std::move(connection));
        bare.thread = std::thread{[this, &bare] {
            serve(bare);
            ::shutdown(bare.socket, SHUT_RDWR);
        }};
    }
}

void ScriptedServer::serve(Connection& connection) {
    if (!tls_.certificate.empty()) {
        connection.context.reset(SSL_CTX_new(TLS_server_method()));
        SSL_CTX_use_certificate_file(connection.context.get(), tls_.certificate.c_str(), SSL_FILETYPE_PEM);
        SSL_CTX_use_PrivateKey_file(connection.context.get(), tls_.key.c_str(), SSL_FILETYPE_PEM);
        connection.ssl.reset(SSL_new(connection.context.get()));
        SSL_set_fd(connection.ssl.get(), connection.socket);
        if (SSL_accept(connection.ssl.get()) != 1) return;
    }
    while (!stopping_) {
        auto end = connection.inbox.find("\r\n\r\n");
        while (end == std::string::npos || connection.inbox.size() < end + 4 + body_size(connection.inbox)) {
            if (!connection.read()) return;
            end = connection.inbox.find("\r\n\r\n");
        }
        const auto size = end + 4 + body_size(connection.inbox);
        const auto request = connection.inbox.substr(0, size);
        connection.inbox.erase(0, size);
        ++requests_;
        const auto reply = script_(request);
        const auto until = std::chrono::steady_clock::now() + reply.wait;
        while (!stopping_ && std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
        }
        if (stopping_ || !connection.write(reply.bytes) || reply.close) return;
    }
}

}  // namespace carillon::http
