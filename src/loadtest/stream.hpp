#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "loadtest/endpoint.hpp"
#include "loadtest/reactor.hpp"

namespace carillon::loadtest {

/// A TCP connection of the generator: connects, reads, and writes what a turn produced in one go. It holds a buffer
/// only for a message that came in part or went out in part. May be opened again after it has ended, but not from
/// inside its own callbacks.
class Stream : private Watcher {
 public:
    explicit Stream(Reactor& reactor) : reactor_{reactor} {}
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// False, with the reason, when not even an attempt could be made. `source` binds the local address.
    bool open(const Endpoint& endpoint, const sockaddr_in* source, std::string& reason);
    bool is_open() const { return descriptor_ >= 0; }
    /// Queues bytes for the end of the turn.
    void send(std::string_view bytes);
    /// For `send`: appends to what leaves with the turn.
    std::string& out();
    /// Ends it without a callback. `reset`: the peer sees a connection that broke (RST), nothing stays in TIME_WAIT.
    void cut(bool reset);

 protected:
    ~Stream();

    virtual void on_connected() = 0;
    /// Returns how many bytes it took; the rest comes again, with more behind it.
    virtual std::size_t on_bytes(std::string_view bytes, base::SteadyTime now) = 0;
    /// The peer or the network ended it. Not after `cut`.
    virtual void on_ended(std::string_view reason) = 0;

 private:
    void on_ready(std::uint32_t events) override;
    void on_flush() override;
    void read();
    void take(std::string_view bytes);
    void want_writable(bool wanted);
    void end(std::string_view reason);
    void close_descriptor();

    Reactor& reactor_;
    int descriptor_ = -1;
    bool connected_ = false;
    bool writable_wanted_ = false;
    bool flush_asked_ = false;
    std::string in_;
    std::string out_;
};

}  // namespace carillon::loadtest
