// What connections cost the real server: CPU to make one, resident memory to keep one idle.
//
//   connections_bench --carillon build/release/carillon [--connections N] [--rounds N] [--threads N] [--modes
//   direct,upgraded]
//
// Each connection is another user's and is authenticated; it counts once it has been told its first count. `direct`
// goes straight to WebSocket, `upgraded` begins with polling, as stock clients do. A server of its own for each
// measurement. Prints one JSON object.
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "server_process.hpp"
#include "tab.hpp"
#include "token/token.hpp"

namespace carillon::bench {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSecret = "a secret of the bench, long enough to be one";
/// Tabs that take a step together.
constexpr std::size_t kTogether = 250;
/// The kernel counts a process's CPU in ticks of 10 ms: what is measured must be long against that.
constexpr std::size_t kWarmUp = 500;

struct Options {
    std::string carillon;
    std::size_t connections = 15'000;
    std::size_t rounds = 3;
    std::string threads;  ///< empty: the server's default
    std::vector<std::string> modes{"direct", "upgraded"};
};

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string flag = argv[i];
        const std::string value = argv[i + 1];
        if (flag == "--carillon") {
            options.carillon = value;
        } else if (flag == "--connections") {
            options.connections = std::stoul(value);
        } else if (flag == "--rounds") {
            options.rounds = std::stoul(value);
        } else if (flag == "--threads") {
            options.threads = value;
        } else if (flag == "--modes") {
            options.modes.clear();
            for (std::size_t at = 0; at <= value.size();) {
                const auto comma = std::min(value.find(',', at), value.size());
                options.modes.push_back(value.substr(at, comma - at));
                at = comma + 1;
            }
        } else {
            throw std::runtime_error("there is no flag " + flag);
        }
    }
    if (options.carillon.empty() || options.connections == 0 || options.rounds == 0) {
        throw std::runtime_error("--carillon PATH is needed, and more than no connections and rounds");
    }
    return options;
}

double own_cpu() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

std::vector<std::string> make_tokens(std::size_t count) {
    const token::UserTokenSigner signer{kSecret, "carillon", "carillon"};
    const auto& clock = base::system_clock();
    std::vector<std::string> tokens;
    tokens.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        tokens.push_back(signer.sign(base::UserId::generate(clock), {std::string{token::permission::kRead}},
                                     std::chrono::hours{1}, clock.now()));
    }
    return tokens;
}

using Steps = std::vector<void (Tab::*)()>;

Steps steps_of(const std::string& mode) {
    if (mode == "direct") return {&Tab::ask_websocket, &Tab::join_namespace, &Tab::await_first_count};
    if (mode == "upgraded") {
        return {&Tab::ask_polling, &Tab::post_connect, &Tab::ask_packets,   &Tab::await_packets,
                &Tab::ask_upgrade, &Tab::hold_poll,    &Tab::finish_upgrade};
    }
    throw std::runtime_error("--modes: direct and upgraded, not '" + mode + "'");
}

void open_tabs(const ServerProcess& server, const Steps& steps, const std::vector<std::string>& tokens,
               std::size_t count, std::vector<Tab>& tabs) {
    while (count > 0) {
        const std::size_t first = tabs.size();
        for (std::size_t i = std::min(count, kTogether); i > 0; --i, --count) {
            tabs.emplace_back(server.port(), tabs.size(), tokens[tabs.size()]);
        }
        for (const auto step : steps) {
            for (std::size_t i = first; i < tabs.size(); ++i) (tabs[i].*step)();
        }
    }
}

/// Once it has stopped changing.
std::uint64_t settled_memory(const ServerProcess& server) {
    std::uint64_t seen = server.resident_bytes();
    for (int still = 0, looks = 0; still < 5 && looks < 50; ++looks) {
        std::this_thread::sleep_for(200ms);
        still = std::exchange(seen, server.resident_bytes()) == seen ? still + 1 : 0;
    }
    return seen;
}

struct Measured {
    double bytes_each = 0;
    double per_cpu_second = 0;
    double server_cpu = 0;
    double own_cpu = 0;
    double seconds = 0;
};

Measured measure(const Options& options, const std::string& mode, const std::vector<std::string>& tokens) {
    std::vector<std::string> flags;
    if (!options.threads.empty()) flags = {"--threads", options.threads};
    const ServerProcess server{options.carillon, kSecret, flags};
    const Steps steps = steps_of(mode);
    std::vector<Tab> tabs;
    tabs.reserve(tokens.size());
    open_tabs(server, steps, tokens, kWarmUp, tabs);
    const auto memory = settled_memory(server);
    const double server_cpu = server.cpu_seconds();
    const double cpu = own_cpu();
    const auto start = std::chrono::steady_clock::now();
    open_tabs(server, steps, tokens, options.connections, tabs);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    Measured measured;
    measured.server_cpu = server.cpu_seconds() - server_cpu;
    measured.own_cpu = own_cpu() - cpu;
    measured.seconds = took.count();
    const auto count = static_cast<double>(options.connections);
    measured.per_cpu_second = count / measured.server_cpu;
    measured.bytes_each = static_cast<double>(settled_memory(server) - memory) / count;
    return measured;
}

struct Spread {
    double low = 0;
    double median = 0;
    double high = 0;
};

Spread spread(const std::vector<Measured>& all, double Measured::*member) {
    std::vector<double> values;
    for (const auto& one : all) values.push_back(one.*member);
    std::sort(values.begin(), values.end());
    return {values.front(), values[values.size() / 2], values.back()};
}

void run(const Options& options) {
    const auto tokens = make_tokens(options.connections + kWarmUp);
    std::vector<std::vector<Measured>> found(options.modes.size());
    for (std::size_t round = 0; round < options.rounds; ++round) {
        for (std::size_t i = 0; i < options.modes.size(); ++i) {
            found[i].push_back(measure(options, options.modes[i], tokens));
        }
    }
    std::printf("{\"connections\": %zu, \"rounds\": %zu, \"modes\": [", options.connections, options.rounds);
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto bytes = spread(found[i], &Measured::bytes_each);
        const auto rate = spread(found[i], &Measured::per_cpu_second);
        std::printf(
            "%s\n  {\"mode\": \"%s\", \"residentBytesPerConnection\": %.0f, \"low\": %.0f, \"high\": %.0f,\n"
            "   \"connectsPerCpuSecond\": %.0f, \"slowest\": %.0f, \"fastest\": %.0f,\n"
            "   \"serverCpuSeconds\": %.2f, \"generatorCpuSeconds\": %.2f, \"seconds\": %.2f}",
            i == 0 ? "" : ",", options.modes[i].c_str(), bytes.median, bytes.low, bytes.high, rate.median, rate.low,
            rate.high, spread(found[i], &Measured::server_cpu).median, spread(found[i], &Measured::own_cpu).median,
            spread(found[i], &Measured::seconds).median);
    }
    std::printf("\n]}\n");
}

}  // namespace
}  // namespace carillon::bench

int main(int argc, char** argv) {
    try {
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        carillon::bench::run(carillon::bench::parse(argc, argv));
    } catch (const std::exception& error) {
        std::cerr << "connections_bench: " << error.what() << '\n';
        return 2;
    }
}
