#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace carillon::bench {

/// How a reader's connections begin.
enum class Hello : std::uint8_t {
    none,      ///< plain TCP
    socketio,  ///< WebSocket upgrade, Engine.IO open, Socket.IO CONNECT with a token
};

/// A process beside the sender that opens connections and reads whatever comes, so that the sender's CPU is the
/// sender's own. Forked before the sender starts threads.
class Reader {
 public:
    static constexpr std::size_t kKindsMax = 8;

    Reader();
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// Asks it to open connections to 127.0.0.1:`port`, one for each token (which plain TCP ignores). Returns at once;
    /// `opened` says when it has. One at a time.
    void open(std::size_t kind, Hello hello, std::uint16_t port, const std::vector<std::string>& tokens);
    bool opened(std::size_t kind) const;
    /// Bytes read on the connections of that kind.
    std::uint64_t bytes(std::size_t kind) const;
    /// Another CPU: what it used.
    double cpu_seconds() const;

    struct Shared;

 private:
    Shared* shared_;
    int commands_ = -1;
    int tokens_ = -1;
    pid_t pid_ = 0;
};

}  // namespace carillon::bench
