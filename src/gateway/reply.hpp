#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "contracts/problem.hpp"
#include "contracts/socket_events.hpp"
#include "gateway/gateway_metrics.hpp"
#include "socketio/server.hpp"

namespace carillon::gateway {

/// The one answer to one command: through the client's ack callback, or, when there is none, an error as the event
/// `error`. The first answer counts; answering a socket that has gone does nothing. Touched only on the shard's thread.
class Reply {
 public:
    Reply(std::weak_ptr<socketio::Socket> socket, socketio::Ack ack, GatewayMetrics& metrics)
        : socket_{std::move(socket)}, ack_{std::move(ack)}, metrics_{metrics} {}

    void ok(std::string_view ack_json);
    void error(const contracts::AckError& error);
    void error(contracts::AckErrorCode code, std::string message) { this->error({code, std::move(message), {}}); }
    bool answered() const { return answered_; }

 private:
    std::weak_ptr<socketio::Socket> socket_;
    socketio::Ack ack_;
    GatewayMetrics& metrics_;
    bool answered_ = false;
};

using ReplyPtr = std::shared_ptr<Reply>;

/// What the caller of a command is told about a problem of the notification service.
contracts::AckError to_ack_error(const contracts::Problem& problem);

}  // namespace carillon::gateway
