#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/response_parser.hpp"
#include "loadtest/stream.hpp"

namespace carillon::loadtest {

/// HTTP/1.1 requests to one server over a fixed number of keep-alive connections, one request at a time on each. What
/// comes while all are busy waits, up to a bound.
class HttpCaller {
 public:
    static constexpr std::size_t kWaitingMax = 100'000;

    /// `answered(tag, status, body, now)`: status 0 when there was no answer, and then `body` says why.
    using Answered = std::function<void(std::uint64_t tag, int status, std::string_view body, base::SteadyTime now)>;

    HttpCaller(Reactor& reactor, Endpoint endpoint, std::size_t connections, std::chrono::milliseconds timeout,
               Answered answered);
    ~HttpCaller();

    /// `method_and_target`: "POST /path". `headers`: whole lines. False when too many wait already.
    bool call(std::uint64_t tag, std::string_view method_and_target, std::string_view headers, std::string_view body);
    std::size_t in_flight() const { return busy_ + waiting_.size(); }
    /// Opens what is to be opened, ends what takes too long. Once a turn, not from inside a callback.
    void tick(base::SteadyTime now);

 private:
    class Connection;
    struct Call {
        std::uint64_t tag = 0;
        std::string text;
    };

    void finish(Connection& connection, int status, std::string_view body, base::SteadyTime now);

    Reactor& reactor_;
    const Endpoint endpoint_;
    const std::chrono::milliseconds timeout_;
    const Answered answered_;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::vector<Connection*> free_;
    std::deque<Call> waiting_;
    std::size_t busy_ = 0;
};

}  // namespace carillon::loadtest
