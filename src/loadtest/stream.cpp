#include "loadtest/stream.hpp"

#include <netinet/tcp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace carillon::loadtest {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

/// Shared by all streams: the generator has one thread.
std::array<char, kReadBytes>& read_buffer() {
    static std::array<char, kReadBytes> buffer;
    return buffer;
}

void set_option(int descriptor, int level, int name) {
    const int on = 1;
    ::setsockopt(descriptor, level, name, &on, sizeof on);
}

}  // namespace

Stream::~Stream() {
    cut(false);
}

bool Stream::open(const Endpoint& endpoint, const sockaddr_in* source, std::string& reason) {
    descriptor_ = ::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor_ < 0) {
        reason = std::strerror(errno);
        return false;
    }
    set_option(descriptor_, IPPROTO_TCP, TCP_NODELAY);
    if (source != nullptr) {
        // The port is chosen with the destination known, so that one address serves 28,000 connections to each.
        set_option(descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
        if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(source), sizeof *source) != 0) {
            reason = std::string{"bind: "} + std::strerror(errno);
            close_descriptor();
            return false;
        }
    }
    const auto* const address = reinterpret_cast<const sockaddr*>(&endpoint.address);
    if (::connect(descriptor_, address, endpoint.address_size) != 0 && errno != EINPROGRESS) {
        reason = std::strerror(errno);
        close_descriptor();
        return false;
    }
    connected_ = false;
    writable_wanted_ = true;
    reactor_.watch(descriptor_, *this, true);
    return true;
}

std::string& Stream::out() {
    if (!flush_asked_) {
        flush_asked_ = true;
        reactor_.flush_later(*this);
    }
    return out_;
}

void Stream::send(std::string_view bytes) {
    out() += bytes;
}

void Stream::cut(bool reset) {
    if (descriptor_ < 0) return;
    if (reset) {
        const linger at_once{1, 0};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    } else if (connected_ && !out_.empty()) {
        // The goodbye, as far as it fits.
        [[maybe_unused]] const auto sent = ::send(descriptor_, out_.data(), out_.size(), MSG_NOSIGNAL);
    }
    close_descriptor();
}

void Stream::close_descriptor() {
    ::close(descriptor_);
    descriptor_ = -1;
    connected_ = false;
    if (flush_asked_) reactor_.forget(*this);
    flush_asked_ = false;
    in_ = {};
    out_ = {};
}

void Stream::end(std::string_view reason) {
    if (descriptor_ < 0) return;
    close_descriptor();
    on_ended(reason);
}

void Stream::on_ready(std::uint32_t events) {
    if (descriptor_ < 0) return;
    if (!connected_) {
        int failure = 0;
        socklen_t size = sizeof failure;
        ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &failure, &size);
        if (failure != 0) return end(std::strerror(failure));
        if ((events & EPOLLOUT) == 0) return;
        connected_ = true;
        want_writable(false);
        on_connected();
        return;
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read();
    if (descriptor_ >= 0 && (events & EPOLLOUT) != 0) on_flush();
}

void Stream::read() {
    auto& buffer = read_buffer();
    for (;;) {
        const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size < 0) return end(std::strerror(errno));
        if (size == 0) return end("closed by the server");
        take({buffer.data(), static_cast<std::size_t>(size)});
        if (descriptor_ < 0 || static_cast<std::size_t>(size) < buffer.size()) return;
    }
}

void Stream::take(std::string_view bytes) {
    const auto now = std::chrono::steady_clock::now();
    if (in_.empty()) {
        const std::size_t used = on_bytes(bytes, now);
        if (descriptor_ >= 0 && used < bytes.size()) in_.assign(bytes.substr(used));
        return;
    }
    in_ += bytes;
    const std::string whole = std::move(in_);
    in_ = {};
    const std::size_t used = on_bytes(whole, now);
    if (descriptor_ >= 0 && used < whole.size()) in_.assign(whole, used);
}

void Stream::on_flush() {
    flush_asked_ = false;
    if (descriptor_ < 0 || !connected_) return;
    std::size_t sent = 0;
    while (sent < out_.size()) {
        const ssize_t size = ::send(descriptor_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno != EAGAIN) return end(std::strerror(errno));
        if (size < 0) break;
        sent += static_cast<std::size_t>(size);
    }
    if (sent == out_.size()) {
        out_ = {};
    } else {
        out_.erase(0, sent);
    }
    want_writable(!out_.empty());
}

void Stream::want_writable(bool wanted) {
    if (wanted == writable_wanted_) return;
    writable_wanted_ = wanted;
    reactor_.change(descriptor_, *this, wanted);
}

}  // namespace carillon::loadtest
