// The physical limit: one thread that calls send(2) with a frame that is ready.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "sender.hpp"

namespace carillon::bench {
namespace {

constexpr std::chrono::microseconds kPacedGap{50};  ///< 20,000 events a second

class RawSender final : public Sender {
 public:
    RawSender(const SenderPlan& plan, bool paced) : plan_{plan}, paced_{paced}, frame_(plan.frame_bytes, 'x') {
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

    const char* name() const override { return paced_ ? "send(2) at a pace" : "send(2)"; }
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
        if (paced_) return send_at_pace(deliveries);
        std::uint64_t sent = 0;
        while (sent < deliveries) {
            for (const int one : sockets_) send_one(one);
            sent += sockets_.size();
        }
        return sent;
    }

 private:
    /// Each event when it is due, to the sockets of one user: sender and reader go to sleep in between.
    std::uint64_t send_at_pace(std::uint64_t deliveries) {
        ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
        const auto start = std::chrono::steady_clock::now();
        std::uint64_t sent = 0;
        for (std::uint64_t event = 0; sent < deliveries; ++event) {
            std::this_thread::sleep_until(start + event * kPacedGap);
            const std::size_t user = event % plan_.users();
            for (std::size_t tab = 0; tab < plan_.tabs; ++tab, ++sent) send_one(sockets_[user * plan_.tabs + tab]);
        }
        return sent;
    }

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
    const bool paced_;
    const std::string frame_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::vector<int> sockets_;
};

}  // namespace

std::unique_ptr<Sender> make_raw_sender(const SenderPlan& plan) {
    return std::make_unique<RawSender>(plan, false);
}

std::unique_ptr<Sender> make_paced_sender(const SenderPlan& plan) {
    return std::make_unique<RawSender>(plan, true);
}

}  // namespace carillon::bench
