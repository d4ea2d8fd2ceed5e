#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "socketio/engine_server.hpp"

namespace carillon::conformance {

/// What the flags say: `--port`, `--ping-interval-ms`, `--ping-timeout-ms`, `--max-payload`, `--threads`.
struct Options {
    std::uint16_t port = 3000;
    std::size_t threads = 1;
    socketio::ServerConfig server;
};

/// Reads the flags over `defaults`. Exits with code 2 and one line when one is wrong.
Options parse_options(int argc, char** argv, Options defaults);

/// Calls `work` after a pause, on the thread of the server it was made for.
using Later = std::function<void(std::chrono::milliseconds pause, std::function<void()> work)>;
using SetUp = std::function<void(socketio::Server&, const Later&)>;

/// Serves Engine.IO under `path` on loopback until SIGINT or SIGTERM. `set_up` is called once for the server of each
/// thread, before it serves. Prints `listening on PORT`. Returns the exit code.
int run(const Options& options, const std::string& path, const SetUp& set_up);

}  // namespace carillon::conformance
