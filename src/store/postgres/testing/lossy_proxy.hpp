#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace carillon::store::testing {

/// A TCP proxy on a free port of 127.0.0.1 that can cut its connections at a chosen message of a client: before it
/// reaches the server, or after the server has answered it but before the client hears. Nothing is changed otherwise.
class LossyProxy {
 public:
    explicit LossyProxy(std::uint16_t server_port);
    ~LossyProxy();
    LossyProxy(const LossyProxy&) = delete;
    LossyProxy& operator=(const LossyProxy&) = delete;

    std::uint16_t port() const { return port_; }

    enum class Cut { before_the_server, before_the_client };
    /// The next bytes of a client that hold `text` are the last of all connections of that moment.
    void cut_at(std::string text, Cut where);
    /// After that nobody gets through any more.
    void refuse_after_cut() { refusing_ = true; }
    /// How often that has happened.
    int cuts() const { return cuts_; }

 private:
    void accept_all();
    void carry(int client, int server);
    /// False when the connection is to be cut.
    bool pass_on(const std::string& bytes, int server);

    const std::uint16_t server_port_;
    std::uint16_t port_ = 0;
    int listener_ = -1;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> refusing_{false};
    std::atomic<int> cuts_{0};
    std::atomic<int> cutting_{0};

    // Guarded by mutex_
    std::mutex mutex_;
    std::string text_;
    Cut where_ = Cut::before_the_server;
    std::vector<std::thread> carriers_;

    std::thread acceptor_;
};

}  // namespace carillon::store::testing
