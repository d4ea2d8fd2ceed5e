// The physical limit: one thread that calls send(2) with a frame that is ready.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "sender.hpp"

namespace carillon::bench {
namespace {

class RawSender final : public Sender {
 public:
    explicit RawSender(const SenderPlan& plan) : plan_{plan}, frame_(plan.frame_bytes, 'x') {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, any, size) != 0 || ::listen(listener_, 4'096) != 0) throw std::runtime_error("listen");
        ::getsockname(listener_, any, &size);
        port_ = ntohs(address.sin_port);
    }
    ~RawSender() override {
        for (const int one : sockets_) ::close(one);
        ::close(listener_);
    }

    const char* name() const override { return "send(2)"; }
    std::uint16_t port() const override { return port_; }
    Hello hello() const override { return Hello::none; }
    std::vector<std::string> tokens() const override { return std::vector<std::string>(plan_.sockets, "-"); }

    void ready() override {
        while (sockets_.size() < plan_.sockets) {
            const int one = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (one < 0) throw std::runtime_error("accept");
            const int on = 1;
            ::setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            sockets_.push_back(one);
        }
    }

    std::uint64_t send(std::uint64_t deliveries) override {
        std::uint64_t sent = 0;
        while (sent < deliveries) {
            for (const int one : sockets_) send_one(one);
            sent += sockets_.size();
        }
        return sent;
    }

 private:
    void send_one(int descriptor) {
        for (std::size_t done = 0; done < frame_.size();) {
            const ssize_t put = ::send(descriptor, frame_.data() + done, frame_.size() - done, MSG_NOSIGNAL);
            if (put >= 0) {
                done += static_cast<std::size_t>(put);
            } else if (errno == EAGAIN) {
                pollfd wait{descriptor, POLLOUT, 0};
                ::poll(&wait, 1, 1'000);
            } else {
                throw std::runtime_error("send");
            }
        }
    }

    const SenderPlan plan_;
    const std::string frame_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::vector<int> sockets_;
};

}  // namespace

std::unique_ptr<Sender> make_raw_sender(const SenderPlan& plan) {
    return std::make_unique<RawSender>(plan);
}

}  // namespace carillon::bench
