#include "reader.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <new>
#include <sstream>
#include <stdexcept>

namespace carillon::bench {

struct Reader::Shared {
    std::array<std::atomic<std::uint64_t>, kKindsMax> bytes{};
    std::array<std::atomic<bool>, kKindsMax> opened{};
    std::atomic<double> cpu{0};
};

namespace {

struct Command {
    std::uint32_t kind = 0;
    Hello hello = Hello::none;
    std::uint16_t port = 0;
    std::uint32_t token_bytes = 0;  ///< in the file that both share: a line each
};

[[noreturn]] void die(const std::string& what) {
    std::cerr << "reader: " << what << ": " << std::strerror(errno) << '\n';
    std::_Exit(1);
}

void read_all(int descriptor, void* out, std::size_t size) {
    for (std::size_t done = 0; done < size;) {
        const ssize_t got = ::read(descriptor, static_cast<char*>(out) + done, size - done);
        if (got <= 0) std::_Exit(0);  // the sender has gone
        done += static_cast<std::size_t>(got);
    }
}

void write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(descriptor, bytes.data(), bytes.size());
        if (put < 0) die("write");
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

std::string client_frame(std::string_view payload) {
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
    return frame.append(payload);
}

/// Reads until `mark` has come.
void await_text(int descriptor, std::string_view mark, std::string& inbox) {
    std::array<char, 4096> buffer{};
    for (;;) {
        if (const auto at = inbox.find(mark); at != std::string::npos) {
            inbox.erase(0, at + mark.size());
            return;
        }
        const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
        if (got <= 0) die("handshake (got: " + inbox.substr(0, 200) + ")");
        inbox.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

void say_hello(int descriptor, const std::string& token) {
    write_all(
        descriptor,
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    std::string inbox;
    await_text(descriptor, "\r\n\r\n", inbox);
    await_text(descriptor, "0{", inbox);
    write_all(descriptor, client_frame("40{\"token\":\"" + token + "\"}"));
    await_text(descriptor, "40{", inbox);
}

int connect_to(std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) die("socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("connect");
    return descriptor;
}

}  // namespace

class ReaderProcess {
 public:
    ReaderProcess(Reader::Shared& shared, int commands, int tokens)
        : shared_{shared}, commands_{commands}, tokens_{tokens} {}

    [[noreturn]] void run() {
        epoll_ = ::epoll_create1(0);
        add(commands_, kCommands);
        std::array<epoll_event, 512> events{};
        for (;;) {
            const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1000);
            for (int i = 0; i < ready; ++i) {
                const auto& event = events[static_cast<std::size_t>(i)];
                const auto kind = static_cast<std::uint32_t>(event.data.u64 >> 32);
                if (kind == kCommands) {
                    obey();
                } else {
                    drain(static_cast<int>(event.data.u64 & 0xFFFFFFFF), kind);
                }
            }
            rusage usage{};
            ::getrusage(RUSAGE_SELF, &usage);
            shared_.cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                          static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
        }
    }

 private:
    static constexpr std::uint32_t kCommands = 0xFFFF;

    void add(int descriptor, std::uint32_t kind) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = (static_cast<std::uint64_t>(kind) << 32) | static_cast<std::uint32_t>(descriptor);
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) die("epoll_ctl");
    }

    void obey() {
        Command command;
        read_all(commands_, &command, sizeof command);
        std::string text(command.token_bytes, '\0');
        if (::pread(tokens_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) die("pread");
        std::istringstream lines{text};
        for (std::string token; std::getline(lines, token);) {
            const int descriptor = connect_to(command.port);
            if (command.hello == Hello::socketio) say_hello(descriptor, token);
            ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
            add(descriptor, command.kind);
        }
        shared_.opened[command.kind] = true;
    }

    void drain(int descriptor, std::uint32_t kind) {
        static std::array<char, 256 * 1024> buffer;
        const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
        if (got > 0) shared_.bytes[kind] += static_cast<std::uint64_t>(got);
        if (got == 0) ::close(descriptor);
    }

    Reader::Shared& shared_;
    const int commands_;
    const int tokens_;
    int epoll_ = -1;
};

Reader::Reader() {
    void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap");
    shared_ = new (memory) Shared;
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) != 0) throw std::runtime_error("socketpair");
    tokens_ = ::memfd_create("tokens", MFD_CLOEXEC);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::prctl(PR_SET_NAME, "reader");
        ::close(pair[0]);
        ReaderProcess{*shared_, pair[1], tokens_}.run();
    }
    ::close(pair[1]);
    commands_ = pair[0];
}

Reader::~Reader() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(commands_);
    ::close(tokens_);
    ::munmap(shared_, sizeof(Shared));
}

void Reader::open(std::size_t kind, Hello hello, std::uint16_t port, const std::vector<std::string>& tokens) {
    Command command;
    command.kind = static_cast<std::uint32_t>(kind);
    command.hello = hello;
    command.port = port;
    std::string text;
    for (const auto& token : tokens) text += token + '\n';
    command.token_bytes = static_cast<std::uint32_t>(text.size());
    if (::pwrite(tokens_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        throw std::runtime_error("pwrite");
    }
    write_all(commands_, {reinterpret_cast<const char*>(&command), sizeof command});
}

bool Reader::opened(std::size_t kind) const {
    return shared_->opened[kind];
}

std::uint64_t Reader::bytes(std::size_t kind) const {
    return shared_->bytes[kind];
}

double Reader::cpu_seconds() const {
    return shared_->cpu;
}

}  // namespace carillon::bench
