#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "server_process.hpp"

namespace carillon::bench {
namespace {

using namespace std::chrono_literals;

std::filesystem::path make_folder() {
    std::string name = std::filesystem::temp_directory_path() / "carillon-bench-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    return name;
}

std::string text_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    return text.str();
}

}  // namespace

ServerProcess::ServerProcess(const std::string& binary, const std::string& jwt_secret,
                             const std::vector<std::string>& flags)
    : folder_{make_folder()} {
    std::vector<std::string> arguments{
        binary,       "serve",          "--port",       "0",       "--auth-port", "0", "--notifications-port", "0",
        "--data-dir", folder_ / "data", "--jwt-secret", jwt_secret};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const std::array<std::string, 2> files{folder_ / "out", folder_ / "log"};
        for (int i = 0; i < 2; ++i) {
            const int file = ::open(files[static_cast<std::size_t>(i)].c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
            ::dup2(file, i + 1);
        }
        std::vector<char*> pointers;
        for (auto& one : arguments) pointers.push_back(one.data());
        pointers.push_back(nullptr);
        ::execv(binary.c_str(), pointers.data());
        std::_Exit(127);
    }
    await_ready();
}

void ServerProcess::await_ready() {
    constexpr std::string_view kReady = "ready: http://localhost:";
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline && ::waitpid(pid_, nullptr, WNOHANG) == 0) {
        const std::string out = text_of(folder_ / "out");
        if (const auto at = out.find(kReady); at != std::string::npos && out.find('\n', at) != std::string::npos) {
            const char* const digits = out.data() + at + kReady.size();
            std::from_chars(digits, out.data() + out.size(), port_);
            return;
        }
        std::this_thread::sleep_for(20ms);
    }
    throw std::runtime_error("carillon serve is not ready: " + text_of(folder_ / "log"));
}

ServerProcess::~ServerProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

double ServerProcess::cpu_seconds() const {
    // The fields behind the name, which may hold anything (proc(5)): utime is the 12th of them, stime the 13th.
    const std::string stat = text_of("/proc/" + std::to_string(pid_) + "/stat");
    std::istringstream fields{stat.substr(stat.rfind(')') + 1)};
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::uint64_t ServerProcess::resident_bytes() const {
    std::ifstream statm{"/proc/" + std::to_string(pid_) + "/statm"};
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    statm >> size >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace carillon::bench
