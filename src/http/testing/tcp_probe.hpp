#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carillon::http {

/// A client for tests that sends bytes as they are and reads what comes, with a deadline on every wait. Loopback only.
class TcpProbe {
 public:
    explicit TcpProbe(std::uint16_t port);
    ~TcpProbe();
    TcpProbe(TcpProbe&& other) noexcept;
    TcpProbe(const TcpProbe&) = delete;
    TcpProbe& operator=(const TcpProbe&) = delete;

    bool connected() const { return fd_ >= 0; }
    /// TCP segments with data that have come so far. On the loopback a write of up to 64 KiB is one.
    std::size_t segments() const;
    void send(std::string_view bytes);
    /// Closes the sending side only.
    void finish_sending();
    void close();
    /// Closes with a reset.
    void abort();

    /// One answer, head and body by its Content-Length; whatever has come when there is none in time.
    std::string read_response(bool head_only = false);
    /// Everything up to and with the first `text`; whatever has come when it does not in time.
    std::string read_until(std::string_view text);
    /// Everything until the server closes; nullopt when it does not, within `wait`.
    std::optional<std::string> read_until_closed(std::chrono::milliseconds wait = std::chrono::seconds{5});

 private:
    /// False at the end of the stream, or at the deadline.
    bool receive(std::chrono::steady_clock::time_point deadline, bool& closed);

    int fd_ = -1;
    std::string inbox_;
};

}  // namespace carillon::http
