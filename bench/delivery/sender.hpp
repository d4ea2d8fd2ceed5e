#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reader.hpp"

namespace carillon::bench {

/// What every sender is told.
struct SenderPlan {
    std::size_t sockets = 1'000;
    std::size_t frame_bytes = 300;  ///< of one delivery on the wire, with the WebSocket head
    std::size_t tabs = 1'000;       ///< sockets of each user: each event goes to so many
    std::size_t events_per_turn = 1;

    std::size_t users() const { return sockets / tabs; }
};

/// A way to bring an event to sockets. All live in one process and use one `io_context` on the main thread, so that
/// they can be compared turn by turn.
class Sender {
 public:
    virtual ~Sender() = default;
    virtual const char* name() const = 0;
    /// Where the reader connects; the sender accepts while the context runs.
    virtual std::uint16_t port() const = 0;
    virtual Hello hello() const = 0;
    virtual std::vector<std::string> tokens() const = 0;
    /// Called once all are connected.
    virtual void ready() {}
    /// Makes ready what others would have made: not measured.
    virtual void prepare(std::uint64_t deliveries) { (void)deliveries; }
    /// Sends events until there were `deliveries` of them, one for each socket reached. Returns how many there were.
    virtual std::uint64_t send(std::uint64_t deliveries) = 0;
};

std::unique_ptr<Sender> make_raw_sender(const SenderPlan& plan);
/// The same at 20,000 events a second: what a send costs when everybody sleeps in between.
std::unique_ptr<Sender> make_paced_sender(const SenderPlan& plan);
std::unique_ptr<Sender> make_beast_sender(const SenderPlan& plan, boost::asio::io_context& context);
std::unique_ptr<Sender> make_engine_sender(const SenderPlan& plan, boost::asio::io_context& context);
std::unique_ptr<Sender> make_gateway_sender(const SenderPlan& plan, boost::asio::io_context& context);

/// `42["notification:new",{…}]` whose WebSocket frame has so many bytes, as far as that can be.
std::string event_payload(std::size_t frame_bytes);

}  // namespace carillon::bench
