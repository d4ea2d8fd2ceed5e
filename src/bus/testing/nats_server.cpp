#include "bus/testing/nats_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace carillon::bus::testing {
namespace {

using namespace std::chrono_literals;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t size = sizeof address;
    const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                       ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(fd);
    if (!bound) throw std::runtime_error("no free port on loopback");
    return ntohs(address.sin_port);
}

bool accepts(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(port);
    const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return connected;
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in{path};
    std::ostringstream content;
    content << in.rdbuf();
    return content.str();
}

}  // namespace

NatsServer::NatsServer(Options options) : options_{std::move(options)}, port_{free_port()} {
    std::string name = (std::filesystem::temp_directory_path() / "carillon-nats-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    start();
}

NatsServer::~NatsServer() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string NatsServer::url() const {
    const auto credentials = options_.user.empty() ? std::string{} : options_.user + ":" + options_.password + "@";
    return fmt::format("nats://{}127.0.0.1:{}", credentials, port_);
}

void NatsServer::write_configuration() const {
    std::ofstream out{folder_ / "nats.conf"};
    out << "listen: 127.0.0.1:" << port_ << "\n";
    if (options_.jetstream) {
        out << "jetstream {\n  store_dir: \"" << (folder_ / "store").string() << "\"\n";
        if (!options_.max_file_store.empty()) out << "  max_file_store: " << options_.max_file_store << "\n";
        out << "}\n";
    }
    if (!options_.user.empty()) {
        out << "authorization { user: " << options_.user << ", password: " << options_.password << " }\n";
    }
    out << options_.more << "\n";
}

void NatsServer::start() {
    write_configuration();
    const auto log = (folder_ / "nats.log").string();
    const auto configuration = (folder_ / "nats.conf").string();
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error{"cannot fork"};
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(out, 1);
        ::dup2(out, 2);
        ::execlp("nats-server", "nats-server", "-c", configuration.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
    }
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!accepts(port_)) {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            throw std::runtime_error{"nats-server ended (is the package installed?): " + read_file(log)};
        }
        if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error{"nats-server: " + read_file(log)};
        std::this_thread::sleep_for(5ms);
    }
}

void NatsServer::end(int signal) {
    if (pid_ < 0) return;
    ::kill(pid_, signal);
    ::kill(pid_, SIGCONT);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void NatsServer::kill() {
    end(SIGKILL);
}

void NatsServer::stop() {
    end(SIGTERM);
}

void NatsServer::freeze() {
    ::kill(pid_, SIGSTOP);
    int status = 0;
    ::waitpid(pid_, &status, WUNTRACED);
}

std::string NatsServer::log() const {
    return read_file(folder_ / "nats.log");
}

void NatsServer::thaw() {
    ::kill(pid_, SIGCONT);
}

}  // namespace carillon::bus::testing
