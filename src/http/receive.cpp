#include "http/receive.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace carillon::http {
namespace {

std::int64_t to_ns(const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

std::int64_t noted_arrival(msghdr& message) {
    for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
        if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_TIMESTAMPNS) continue;
        timespec time{};
        std::memcpy(&time, CMSG_DATA(one), sizeof time);
        return to_ns(time);
    }
    return 0;
}

}  // namespace

void note_arrivals(int listening_socket) {
    const int on = 1;
    ::setsockopt(listening_socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

std::int64_t arrival_clock_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return to_ns(now);
}

Received receive(int socket, std::span<char> into) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control;
    iovec space{into.data(), into.size()};
    msghdr message{};
    message.msg_iov = &space;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t got = 0;
    do {
        got = ::recvmsg(socket, &message, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    Received received;
    if (got < 0) {
        received.error.assign(errno, boost::system::system_category());
        return received;
    }
    received.bytes = static_cast<std::size_t>(got);
    received.arrived_ns = noted_arrival(message);
    if (received.arrived_ns == 0) received.arrived_ns = arrival_clock_ns();
    return received;
}

}  // namespace carillon::http
