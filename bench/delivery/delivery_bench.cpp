// What a delivery costs, against the physical limit.
//
//   delivery_bench [--sockets N] [--tabs N] [--bytes N] [--events-per-turn N] [--deliveries N] [--rounds N]
//                  [--senders raw,beast,engine,gateway]
//   delivery_bench --memory N --senders engine      resident bytes of an idle connection, N of them
//   delivery_bench --growth N --senders gateway     CPU per delivery with N sockets against that with --sockets
//
// The senders live in one process and send in turns, so that all of them see the same machine; another process reads.
// Prints one JSON object. CPU is that of the sending thread.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <utility>

#include "base/log.hpp"
#include "counted_calls.hpp"
#include "sender.hpp"

namespace carillon::bench {
namespace {

using namespace std::chrono_literals;

/// Nothing has come for so long: the reader has everything.
constexpr auto kQuiet = 150ms;

constexpr double kBytesAtLeast = 100;

struct Options {
    SenderPlan plan;
    std::uint64_t deliveries = 100'000;  ///< of each sender in each round
    std::size_t rounds = 9;
    std::size_t memory = 0;
    std::size_t growth = 0;
    std::vector<std::string> senders{"raw", "engine", "gateway"};
};

[[noreturn]] void refuse(const std::string& what) {
    std::cerr << "delivery_bench: " << what << '\n';
    std::exit(2);
}

Options parse(int argc, char** argv) {
    Options options;
    bool tabs_given = false;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string flag = argv[i];
        const std::string value = argv[i + 1];
        if (flag == "--senders") {
            options.senders.clear();
            for (std::size_t at = 0; at <= value.size();) {
                const auto comma = std::min(value.find(',', at), value.size());
                options.senders.push_back(value.substr(at, comma - at));
                at = comma + 1;
            }
            continue;
        }
        std::size_t number = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (error != std::errc{} || number == 0) refuse(flag + " wants a number");
        const std::map<std::string, std::size_t*> numbers{
            {"--sockets", &options.plan.sockets},   {"--tabs", &options.plan.tabs},
            {"--bytes", &options.plan.frame_bytes}, {"--events-per-turn", &options.plan.events_per_turn},
            {"--rounds", &options.rounds},          {"--memory", &options.memory},
            {"--deliveries", &options.deliveries},  {"--growth", &options.growth}};
        const auto found = numbers.find(flag);
        if (found == numbers.end()) refuse("there is no flag " + flag);
        *found->second = number;
        tabs_given = tabs_given || flag == "--tabs";
    }
    if (options.memory > 0) options.plan.sockets = options.memory;
    if (!tabs_given) options.plan.tabs = options.memory > 0 ? 1 : options.growth > 0 ? 2 : options.plan.sockets;
    if (options.plan.sockets % options.plan.tabs != 0 || options.growth % options.plan.tabs != 0) {
        refuse("--sockets and --growth must be multiples of --tabs");
    }
    return options;
}

double thread_cpu() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

std::uint64_t resident_bytes() {
    std::ifstream statm{"/proc/self/statm"};
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    statm >> size >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::unique_ptr<Sender> make(const std::string& name, const SenderPlan& plan, boost::asio::io_context& context) {
    if (name == "raw") return make_raw_sender(plan);
    if (name == "paced") return make_paced_sender(plan);
    if (name == "beast") return make_beast_sender(plan, context);
    if (name == "engine") return make_engine_sender(plan, context);
    if (name == "gateway") return make_gateway_sender(plan, context);
    refuse("--senders: raw, paced, beast, engine or gateway, not '" + name + "'");
}

void connect(Sender& sender, Reader& reader, std::size_t kind, boost::asio::io_context& context) {
    reader.open(kind, sender.hello(), sender.port(), sender.tokens());
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!reader.opened(kind)) {
        context.run_for(5ms);
        if (context.stopped()) context.restart();
        if (std::chrono::steady_clock::now() > deadline) refuse("the reader could not connect");
    }
    sender.ready();
    context.run_for(200ms);
}

/// Until the reader has everything.
void settle(const Reader& reader, std::size_t kind, boost::asio::io_context& context) {
    std::uint64_t seen = reader.bytes(kind);
    for (auto since = std::chrono::steady_clock::now(); std::chrono::steady_clock::now() - since < kQuiet;) {
        context.run_for(10ms);
        if (std::exchange(seen, reader.bytes(kind)) != seen) since = std::chrono::steady_clock::now();
    }
}

struct Measured {
    double per_cpu_second = 0;
    double per_second = 0;
    double bytes_per_delivery = 0;
    double allocations_per_event = 0;
    double locks_per_turn = 0;
};

Measured measure(Sender& sender, const Reader& reader, std::size_t kind, std::uint64_t deliveries,
                 const SenderPlan& plan, boost::asio::io_context& context) {
    sender.prepare(deliveries);
    const auto bytes = reader.bytes(kind);
    const CountedCalls calls = counted_calls();
    const double cpu = thread_cpu();
    const auto start = std::chrono::steady_clock::now();
    const auto sent = static_cast<double>(sender.send(deliveries));
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    const double used = thread_cpu() - cpu;
    const CountedCalls calls_after = counted_calls();
    settle(reader, kind, context);
    const double each = static_cast<double>(reader.bytes(kind) - bytes) / sent;
    if (each < kBytesAtLeast) refuse(std::string{sender.name()} + ": the reader did not get what was sent");
    const double events = sent / static_cast<double>(plan.tabs);
    const auto turns = std::ceil(events / static_cast<double>(plan.events_per_turn));
    return {sent / used, sent / wall.count(), each,
            static_cast<double>(calls_after.allocations - calls.allocations) / events,
            static_cast<double>(calls_after.locks - calls.locks) / turns};
}

double quantile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

void compare(const Options& options) {
    Reader reader;
    boost::asio::io_context context{1};
    const auto work = boost::asio::make_work_guard(context);
    std::vector<std::unique_ptr<Sender>> senders;
    for (const auto& name : options.senders) {
        senders.push_back(make(name, options.plan, context));
        connect(*senders.back(), reader, senders.size() - 1, context);
    }
    std::vector<std::vector<Measured>> found(senders.size());
    for (std::size_t round = 0; round <= options.rounds; ++round) {
        for (std::size_t i = 0; i < senders.size(); ++i) {
            // Every other round backwards, so that a machine that drifts favours nobody; the first is to warm up.
            const std::size_t one = round % 2 == 0 ? i : senders.size() - 1 - i;
            const auto measured = measure(*senders[one], reader, one, options.deliveries, options.plan, context);
            if (round > 0) found[one].push_back(measured);
        }
    }
    std::printf("{\"sockets\": %zu, \"tabs\": %zu, \"frameBytes\": %zu, \"eventsPerTurn\": %zu, \"rounds\": %zu, ",
                options.plan.sockets, options.plan.tabs, options.plan.frame_bytes, options.plan.events_per_turn,
                options.rounds);
    std::printf("\"senders\": [");
    for (std::size_t i = 0; i < senders.size(); ++i) {
        std::vector<double> cpu;
        std::vector<double> wall;
        std::vector<double> ratio;
        for (std::size_t round = 0; round < options.rounds; ++round) {
            cpu.push_back(found[i][round].per_cpu_second);
            wall.push_back(found[i][round].per_second);
            ratio.push_back(found[i][round].per_cpu_second / found[0][round].per_cpu_second);
        }
        std::printf(
            "%s\n  {\"name\": \"%s\", \"perCpuSecond\": %.0f, \"perSecond\": %.0f, \"bytesPerDelivery\": %.1f, "
            "\"ratio\": %.3f, \"ratioLow\": %.3f, \"ratioHigh\": %.3f, \"allocationsPerEvent\": %.2f, "
            "\"locksPerTurn\": %.2f}",
            i == 0 ? "" : ",", senders[i]->name(), quantile(cpu, 0.5), quantile(wall, 0.5),
            found[i].back().bytes_per_delivery, quantile(ratio, 0.5), quantile(ratio, 0.25), quantile(ratio, 0.75),
            found[i].back().allocations_per_event, found[i].back().locks_per_turn);
    }
    std::printf("\n]}\n");
    std::fflush(stdout);
    for (auto& sender : senders) {
        if (std::string{sender->name()} == "gateway") (void)sender.release();
    }
}

void grow(const Options& options) {
    Reader reader;
    boost::asio::io_context context{1};
    const auto work = boost::asio::make_work_guard(context);
    std::array<SenderPlan, 2> plans{options.plan, options.plan};
    plans[1].sockets = options.growth;
    std::array<std::unique_ptr<Sender>, 2> senders;
    for (std::size_t i = 0; i < 2; ++i) {
        senders[i] = make(options.senders.front(), plans[i], context);
        connect(*senders[i], reader, i, context);
    }
    std::array<std::vector<double>, 2> rates;
    std::vector<double> ratios;
    for (std::size_t round = 0; round <= options.rounds; ++round) {
        std::array<double, 2> found{};
        for (std::size_t i = 0; i < 2; ++i) {
            const std::size_t one = round % 2 == 0 ? i : 1 - i;
            found[one] = measure(*senders[one], reader, one, options.deliveries, plans[one], context).per_cpu_second;
        }
        if (round == 0) continue;
        for (std::size_t i = 0; i < 2; ++i) rates[i].push_back(found[i]);
        ratios.push_back(found[0] / found[1]);
    }
    std::printf(
        "{\"name\": \"%s\", \"sockets\": [%zu, %zu], \"perCpuSecond\": [%.0f, %.0f], \"costRatio\": %.3f, "
        "\"ratioLow\": %.3f, \"ratioHigh\": %.3f}\n",
        senders[0]->name(), plans[0].sockets, plans[1].sockets, quantile(rates[0], 0.5), quantile(rates[1], 0.5),
        quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75));
    std::fflush(stdout);
    for (auto& sender : senders) (void)sender.release();
}

void weigh(const Options& options) {
    Reader reader;
    boost::asio::io_context context{1};
    const auto work = boost::asio::make_work_guard(context);
    const auto sender = make(options.senders.front(), options.plan, context);
    context.run_for(200ms);
    ::malloc_trim(0);
    const auto before = resident_bytes();
    connect(*sender, reader, 0, context);
    context.run_for(2s);
    ::malloc_trim(0);
    const auto after = resident_bytes();
    std::printf("{\"name\": \"%s\", \"sockets\": %zu, \"residentBytesPerConnection\": %.0f}\n", sender->name(),
                options.plan.sockets, static_cast<double>(after - before) / static_cast<double>(options.plan.sockets));
    std::fflush(stdout);
}

void raise_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

std::string event_payload(std::size_t frame_bytes) {
    std::string payload =
        "42[\"notification:new\",{\"notificationId\":\"0b0a2b0e-0000-4000-8000-000000000000\",\"userId\":"
        "\"00000001-0000-4000-8000-000000000000\",\"type\":\"bench\",\"title\":\"A message from a colleague\","
        "\"body\":\"";
    constexpr std::string_view kEnd = "\",\"createdAt\":\"2026-01-01T00:00:00.000Z\",\"unreadCount\":1}]";
    const std::size_t head = frame_bytes > 129 ? 4 : 2;
    if (payload.size() + kEnd.size() + head < frame_bytes) {
        payload.append(frame_bytes - head - kEnd.size() - payload.size(), 'x');
    }
    return payload.append(kEnd);
}

}  // namespace carillon::bench

int main(int argc, char** argv) {
    using namespace carillon::bench;
    const Options options = parse(argc, argv);
    raise_limit();
    carillon::base::start_logging(carillon::base::LogLevel::off, carillon::base::LogFormat::text);
    if (options.memory > 0) {
        weigh(options);
    } else if (options.growth > 0) {
        grow(options);
    } else {
        compare(options);
    }
    // What the senders left behind is not worth a clean end.
    std::_Exit(0);
}
