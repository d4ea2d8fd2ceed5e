#pragma once

#include <memory>

#include "gateway/reply.hpp"
#include "socketio/server.hpp"

namespace carillon::gateway {

class SocketSession;

/// One event of a client, past the rate limit: validates it against the contract, checks what the socket may do, calls
/// the notification service, and answers. Every command is answered exactly once, within `command_timeout`, whatever
/// becomes of the call; commands of one socket may be answered out of order. Thread: the shard's.
void handle_command(const std::shared_ptr<SocketSession>& session, const socketio::ReceivedEvent& event,
                    ReplyPtr reply);

}  // namespace carillon::gateway
