#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "loadtest/stream.hpp"

namespace carillon::loadtest {

/// Publishes onto JetStream over one connection, as many messages in flight as its owner wants: the NATS client
/// protocol, publishing and acknowledgements only.
class NatsPublisher final : private Stream {
 public:
    /// `answered(tag, error)`: the stream has it, or why not.
    using Answered = std::function<void(std::uint64_t tag, std::string_view error)>;

    NatsPublisher(Reactor& reactor, Endpoint endpoint, std::uint64_t run, Answered answered);

    /// Not from inside a callback.
    void connect();
    bool ready() const { return ready_; }
    /// Why there is no connection (any more); empty when nothing is wrong.
    const std::string& failure() const { return failure_; }
    /// `message_id` becomes `Nats-Msg-Id`.
    void publish(std::uint64_t tag, std::string_view subject, std::string_view message_id, std::string_view payload);

 private:
    void on_connected() override {}
    std::size_t on_bytes(std::string_view bytes, base::SteadyTime now) override;
    void on_ended(std::string_view reason) override;

    /// Takes one operation off the front; 0 when it is not whole.
    std::size_t take_operation(std::string_view bytes);
    void on_message(std::string_view subject, std::string_view headers, std::string_view payload);

    const Endpoint endpoint_;
    const std::string inbox_;
    const Answered answered_;
    std::string failure_;
    bool ready_ = false;
};

}  // namespace carillon::loadtest
