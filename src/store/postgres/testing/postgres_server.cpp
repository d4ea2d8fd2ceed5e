#include "store/postgres/testing/postgres_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

namespace carillon::store::testing {
namespace {

constexpr std::chrono::seconds kStartDeadline{60};
constexpr std::chrono::milliseconds kPollPause{20};

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "PostgreSQL for the tests: %s\n", what.c_str());
    std::exit(1);
}

template <class Condition>
void await(const std::string& what, Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kStartDeadline;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) fail("waited in vain: " + what);
        std::this_thread::sleep_for(kPollPause);
    }
}

// The user as whom the server runs: ourselves, unless we are root.
const passwd* unprivileged_user() {
    if (::geteuid() != 0) return nullptr;
    for (const char* name : {"postgres", "nobody"}) {
        if (const passwd* user = ::getpwnam(name)) return user;
    }
    fail("there is neither a user postgres nor a user nobody");
}

std::uint16_t free_port() {
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(probe, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        fail("no free port");
    }
    ::close(probe);
    return ntohs(address.sin_port);
}

bool is_alive(pid_t pid) {
    std::ifstream stat{fmt::format("/proc/{}/stat", pid)};
    std::string text;
    std::getline(stat, text);
    const auto name_end = text.rfind(')');
    return name_end != std::string::npos && text[name_end + 2] != 'Z';
}

}  // namespace

std::filesystem::path PostgresServer::program(const std::string& name) {
    std::vector<std::filesystem::path> found;
    std::error_code error;
    for (const auto& version : std::filesystem::directory_iterator{"/usr/lib/postgresql", error}) {
        const auto file = version.path() / "bin" / name;
        if (std::filesystem::exists(file)) found.push_back(file);
    }
    if (found.empty()) fail(name + " is not installed (Debian package postgresql)");
    return *std::max_element(found.begin(), found.end());
}

PostgresServer::PostgresServer(std::vector<std::string> settings) : settings_{std::move(settings)}, port_{free_port()} {
    std::string name = (std::filesystem::temp_directory_path() / "carillon-postgres-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) fail("cannot make " + name);
    folder_ = name;
    if (const passwd* user = unprivileged_user()) {
        if (::chown(name.c_str(), user->pw_uid, user->pw_gid) != 0) fail("cannot give away " + name);
    }
    run({program("initdb"), "--pgdata", folder_ / "data", "--username", "postgres", "--auth", "trust", "--encoding",
         "UTF8", "--locale", "C.UTF-8", "--no-sync"});
    start();
    sql("postgres", "CREATE ROLE carillon LOGIN");
}

PostgresServer::~PostgresServer() {
    if (server_ > 0) stop();
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
}

std::string PostgresServer::url_of(const std::string& user, const std::string& database) const {
    return fmt::format("postgres://{}@/{}?host={}&port={}", user, database, folder_.string(), port_);
}

std::string PostgresServer::url(const std::string& database) const {
    return url_of("carillon", database);
}

std::string PostgresServer::tcp_url(const std::string& database, const std::string& host) const {
    return fmt::format("postgres://carillon@{}:{}/{}", host, port_, database);
}

std::string PostgresServer::create_database() {
    const auto name = fmt::format("test_{}", ++databases_);
    sql("postgres", fmt::format("CREATE DATABASE {} OWNER carillon", name));
    return name;
}

std::string PostgresServer::sql(const std::string& database, const std::string& statement) {
    return run({program("psql"), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1",
                "--dbname", url_of("postgres", database), "--command", statement});
}

void PostgresServer::start() {
    std::vector<std::string> arguments{program("postgres"),  "-D", folder_ / "data", "-k", folder_, "-p",
                                       std::to_string(port_)};
    for (const auto& setting :
         {"fsync=on", "listen_addresses=127.0.0.1", "max_connections=200", "logging_collector=off"}) {
        arguments.insert(arguments.end(), {"-c", setting});
    }
    for (const auto& setting : settings_) arguments.insert(arguments.end(), {"-c", setting});
    const int log = ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    server_ = spawn(arguments, log);
    ::close(log);
    await("the server answers", [this] {
        if (!is_alive(server_)) {
            std::ifstream text{folder_ / "log"};
            std::stringstream all;
            all << text.rdbuf();
            fail("the server ended: " + all.str());
        }
        return answers();
    });
}

// By the line that the server writes for pg_ctl once it takes connections.
bool PostgresServer::answers() const {
    std::ifstream file{folder_ / "data" / "postmaster.pid"};
    std::string line;
    std::string first;
    for (int number = 1; std::getline(file, line); ++number) {
        if (number == 1) first = line;
        if (number == 8) return first == std::to_string(server_) && line.starts_with("ready");
    }
    return false;
}

void PostgresServer::stop() {
    ::kill(server_, SIGINT);
    int status = 0;
    ::waitpid(server_, &status, 0);
    server_ = -1;
}

std::vector<pid_t> PostgresServer::processes() const {
    std::vector<pid_t> all{server_};
    std::ifstream children{fmt::format("/proc/{0}/task/{0}/children", server_)};
    for (pid_t child = 0; children >> child;) all.push_back(child);
    return all;
}

void PostgresServer::limit_file_size(std::uint64_t bytes) {
    const auto limit = bytes == kNoFileSizeLimit ? std::string{"unlimited"} : std::to_string(bytes);
    for (const pid_t pid : processes()) {
        // As the server's user: root may lack the right to limit others in a container.
        if (is_alive(pid)) run({"/usr/bin/prlimit", "--pid", std::to_string(pid), "--fsize=" + limit + ":unlimited"});
    }
}

double PostgresServer::cpu_seconds() const {
    double ticks = 0;
    for (const pid_t pid : processes()) {
        std::ifstream stat{fmt::format("/proc/{}/stat", pid)};
        std::string text;
        std::getline(stat, text);
        std::istringstream fields{text.substr(std::min(text.rfind(')') + 1, text.size()))};
        std::string skipped;
        for (int field = 3; field < 14; ++field) fields >> skipped;
        double own = 0;
        for (int field = 14; field <= 17; ++field) {  // utime, stime, and those of children that have ended
            double value = 0;
            fields >> value;
            own += value;
        }
        ticks += own;
    }
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

void PostgresServer::kill() {
    ::kill(server_, SIGSTOP);  // makes no more children
    const auto all = processes();
    for (const pid_t pid : all) ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(server_, &status, 0);
    await("the killed processes are gone",
          [&all] { return std::none_of(all.begin(), all.end(), [](pid_t pid) { return is_alive(pid); }); });
    server_ = -1;
}

void PostgresServer::freeze() {
    ::kill(server_, SIGSTOP);
    for (const pid_t pid : processes()) ::kill(pid, SIGSTOP);
}

void PostgresServer::thaw() {
    for (const pid_t pid : processes()) ::kill(pid, SIGCONT);
}

pid_t PostgresServer::spawn(const std::vector<std::string>& arguments, int output) const {
    const passwd* user = unprivileged_user();
    std::vector<char*> words;
    for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    const std::string home = folder_.string();
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) fail("cannot fork");
    if (child > 0) return child;
    // Only what may be called after a fork of a program with threads.
    if (user != nullptr &&
        (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0)) {
        ::_exit(126);
    }
    ::prctl(PR_SET_PDEATHSIG, SIGINT);
    if (::getppid() != parent) ::_exit(126);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::chdir(home.c_str()) != 0) ::_exit(126);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::execv(words.front(), words.data());
    ::_exit(127);
}

std::string PostgresServer::run(const std::vector<std::string>& arguments) const {
    int ends[2] = {};
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("cannot make a pipe");
    const pid_t child = spawn(arguments, ends[1]);
    ::close(ends[1]);
    std::string output;
    char block[4'096];
    for (ssize_t got = 0; (got = ::read(ends[0], block, sizeof block)) > 0;) {
        output.append(block, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) fail(fmt::format("{} failed: {}", arguments.front(), output));
    return output;
}

}  // namespace carillon::store::testing
