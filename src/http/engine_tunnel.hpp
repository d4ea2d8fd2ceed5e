#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "http/client_connection.hpp"

namespace carillon::http {

/// Two connections whose bytes go from each to the other: a WebSocket whose session lives on another node. Reads a side
/// only when the other has taken what came before. Ends when both sides have ended, one fails, both are silent for too
/// long, or it is told to. Kept alive by what it waits for. Thread: the shard's.
class EngineTunnel final : public std::enable_shared_from_this<EngineTunnel> {
 public:
    EngineTunnel(boost::asio::ip::tcp::socket client, std::shared_ptr<ClientConnection> owner, const base::Clock& clock,
                 std::chrono::milliseconds silence_max, std::function<void(EngineTunnel&)> on_end);

    /// `to_client`, `to_owner`: what was read already.
    void start(std::string to_client, std::string to_owner);
    void end();

 private:
    static loop::Task<void> carry_to_owner(std::shared_ptr<EngineTunnel> self, std::string first);
    static loop::Task<void> carry_to_client(std::shared_ptr<EngineTunnel> self, std::string first);
    static loop::Task<void> watch(std::shared_ptr<EngineTunnel> self);
    void side_ended();

    // Constant after construction.
    const std::shared_ptr<ClientConnection> owner_;
    const base::Clock& clock_;
    const std::chrono::milliseconds silence_max_;

    boost::asio::ip::tcp::socket client_;
    boost::asio::steady_timer timer_;
    std::function<void(EngineTunnel&)> on_end_;
    base::SteadyTime last_byte_;
    int sides_ended_ = 0;
    bool ended_ = false;
};

}  // namespace carillon::http
