#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace carillon::http {

/// A server whose every byte is the test's, over TLS or not: what does not behave as ours do. A thread for each
/// connection. Loopback only. Thread: the test's.
class ScriptedServer {
 public:
    struct Reply {
        std::string bytes;
        bool close = false;                 ///< after the bytes
        std::chrono::milliseconds wait{0};  ///< before them; a stop ends it
    };
    /// Called with each whole request (head and body), on the connection's thread.
    using Script = std::function<Reply(const std::string& request)>;

    /// Paths of PEM files; empty: no TLS.
    struct Tls {
        std::string certificate;
        std::string key;
    };

    explicit ScriptedServer(Script script, Tls tls = {});
    ~ScriptedServer();
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    std::uint16_t port() const { return port_; }
    std::string url() const;
    /// Ends all connections and refuses new ones.
    void stop();
    /// Listens again, on the same port.
    void start();
    int connections() const { return connections_; }
    int requests() const { return requests_; }

    /// A whole answer of a status with a JSON body.
    static std::string answer(int status, const std::string& body, const std::string& fields = {});

 private:
    struct Connection;
    void accept(int listener);
    void serve(Connection& connection);

    // Constant after construction.
    const Script script_;
    const Tls tls_;
    std::uint16_t port_ = 0;

    std::atomic<int> connections_{0};
    std::atomic<int> requests_{0};
    std::atomic<bool> stopping_{false};
    int listener_ = -1;
    std::thread acceptor_;
    // Guarded by mutex_.
    std::mutex mutex_;
    std::list<std::unique_ptr<Connection>> open_;
};

}  // namespace carillon::http
