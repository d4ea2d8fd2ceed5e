#include "conformance_app.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "http/engine_endpoint.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "loop/event_loop.hpp"
#include "loop/task.hpp"
#include "metrics/registry.hpp"
#include "socketio/sid_codec.hpp"

namespace carillon::conformance {
namespace {

[[noreturn]] void fail(std::string_view flag, std::string_view wants) {
    std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(flag.size()), flag.data(), static_cast<int>(wants.size()),
                 wants.data());
    std::exit(2);
}

std::uint64_t number(std::string_view flag, std::string_view text, std::uint64_t max) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > max) fail(flag, "wants a number");
    return value;
}

loop::Task<void> wait_and_run(std::chrono::milliseconds pause, std::function<void()> work) {
    co_await loop::sleep_for(pause);
    work();
}

/// One thread with its own server of each layer.
struct Shard {
    Shard(const Options& options, const std::string& path, std::uint16_t index, std::uint16_t port,
          const http::Router& router)
        : loop{"shard"},
          server{server_config(options, index)},
          endpoint{loop.executor(), server, base::system_clock(), endpoint_config(path)},
          listener{loop.executor(), listener_config(index, port), base::system_clock(), router, &endpoint} {}

    static socketio::ServerConfig server_config(const Options& options, std::uint16_t index) {
        auto config = options.server;
        static const auto sids = std::make_shared<const socketio::SidCodec>();
        config.shard = index;
        config.sids = sids;
        return config;
    }
    static http::EngineEndpointConfig endpoint_config(const std::string& path) {
        http::EngineEndpointConfig config;
        config.path = path;
        return config;
    }
    static http::ServerConfig listener_config(std::uint16_t index, std::uint16_t port) {
        http::ServerConfig config;
        config.port = port;
        config.sharing = index == 0 ? http::PortSharing::founds : http::PortSharing::joins;
        config.cors.origins = {"*"};
        return config;
    }

    loop::EventLoop loop;
    socketio::Server server;
    http::EngineEndpoint endpoint;
    http::Server listener;
};

Later later_on(loop::Executor executor) {
    return [executor](std::chrono::milliseconds pause, std::function<void()> work) {
        loop::spawn(executor, wait_and_run(pause, std::move(work)), "later");
    };
}

void stop(Shard& shard) {
    std::promise<void> stopped;
    loop::post(shard.loop.executor(), [&] {
        shard.endpoint.close();
        shard.listener.close();
        stopped.set_value();
    });
    stopped.get_future().wait();
    shard.loop.stop();
    shard.loop.join();
}

}  // namespace

Options parse_options(int argc, char** argv, Options options) {
    for (int i = 1; i < argc; i += 2) {
        const std::string_view flag = argv[i];
        if (i + 1 == argc) fail(flag, "wants a value");
        const std::string_view value = argv[i + 1];
        if (flag == "--port") {
            options.port = static_cast<std::uint16_t>(number(flag, value, 65'535));
        } else if (flag == "--ping-interval-ms") {
            options.server.ping_interval = std::chrono::milliseconds{number(flag, value, 86'400'000)};
        } else if (flag == "--ping-timeout-ms") {
            options.server.ping_timeout = std::chrono::milliseconds{number(flag, value, 86'400'000)};
        } else if (flag == "--max-payload") {
            options.server.max_payload = number(flag, value, 1'000'000'000);
        } else if (flag == "--threads") {
            options.threads = number(flag, value, 64);
        } else {
            fail(flag, "is not a flag of this program");
        }
    }
    if (options.threads == 0) fail("--threads", "wants at least 1");
    return options;
}

int run(const Options& options, const std::string& path, const SetUp& set_up) {
    loop::block_stop_signals();
    base::start_logging(base::LogLevel::warn, base::LogFormat::text);
    metrics::Registry metrics;
    const http::Router router{base::system_clock(), metrics, {}, "conformance"};
    std::vector<std::unique_ptr<Shard>> shards;
    std::vector<http::EngineEndpoint*> endpoints;
    std::uint16_t port = options.port;
    for (std::size_t i = 0; i < options.threads; ++i) {
        const auto index = static_cast<std::uint16_t>(i);
        auto& shard = *shards.emplace_back(std::make_unique<Shard>(options, path, index, port, router));
        port = shard.listener.port();
        endpoints.push_back(&shard.endpoint);
        set_up(shard.server, later_on(shard.loop.executor()));
    }
    for (auto& shard : shards) shard->endpoint.set_siblings(endpoints);
    for (auto& shard : shards) {
        shard->loop.start();
        shard->listener.start();
    }
    std::printf("listening on %u\n", static_cast<unsigned>(port));
    std::fflush(stdout);
    loop::wait_for_stop_signal();
    for (auto& shard : shards) stop(*shard);
    base::stop_logging();
    return 0;
}

}  // namespace carillon::conformance
