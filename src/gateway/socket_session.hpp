#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "gateway/reply.hpp"
#include "gateway/session_context.hpp"
#include "gateway/socket_auth.hpp"
#include "gateway/user_limits.hpp"
#include "socketio/server.hpp"

namespace carillon::gateway {

/// The life of one socket: who it is, until when, what it may send. Kept alive by its socket (`Socket::data`) and by
/// commands under way; touched only on the shard's thread.
///
/// A socket without a token is connected but not registered: it receives nothing, may only send `AUTH`, and is cut off
/// after `auth_timeout`. A token that is shown and no good refuses the CONNECT. With a good one the CONNECT is answered
/// once the state of the inbox is known: its version goes into the `pid`, or what a client that comes back has missed
/// follows the answer.
class SocketSession : public std::enable_shared_from_this<SocketSession> {
 public:
    /// Installs the sessions on a namespace.
    static void serve(socketio::Namespace& nsp, std::shared_ptr<SessionContext> context);

    SocketSession(std::shared_ptr<SessionContext> context, const socketio::SocketPtr& socket);
    ~SocketSession();
    SocketSession(const SocketSession&) = delete;
    SocketSession& operator=(const SocketSession&) = delete;

    /// Nullopt before authentication.
    const std::optional<SocketIdentity>& identity() const { return identity_; }
    SessionContext& context() { return *context_; }

    /// The state that it waited for.
    void arrive(const Arrival& arrival);
    /// Leaves if it is the older one of two sockets with one id.
    void give_way(const RecoveryNotice& notice);

    /// The command `AUTH`.
    void authenticate(std::string_view token, Reply& reply);

    /// Closes the transport when it is this socket's token: its client comes back, and is refused.
    void end_if_revoked(const contracts::Revocation& revocation);

    // For commands under way.
    [[nodiscard]] bool begin_command();
    void end_command() { --commands_; }

 private:
    std::optional<AuthRefusal> admit();
    std::optional<AuthRefusal> take_identity(const SocketIdentity& identity);
    /// Answers the CONNECT, now or when the state is there.
    void welcome(socketio::Next next);
    void ask_for_state();
    void on_no_state();
    void enter(std::optional<base::Version> offset, bool recovered);
    void tell(const socketio::EncodedEvent& event);
    void tell(const Delivery& delivery);
    void stop_waiting();
    void begin();
    void end(std::string_view reason);
    void on_event(const socketio::ReceivedEvent& event, socketio::Ack ack);
    void register_socket();
    void set_deadline(base::SteadyTime when, void (SocketSession::*callback)());
    void on_auth_timeout();
    void watch_token();

    // Constant after construction.
    const std::shared_ptr<SessionContext> context_;
    const std::weak_ptr<socketio::Socket> socket_;

    std::optional<SocketIdentity> identity_;
    std::shared_ptr<UserLimits> limits_;
    bool holds_slot_ = false;  ///< counted in `limits_->sockets()`
    bool expiry_told_ = false;
    bool offsets_ = true;    ///< its client can take them
    bool expected_ = false;  ///< counted by the registry as on its way
    bool recovered_ = false;
    std::uint64_t arrival_ = 0;  ///< it waits for its state under this number; 0: it does not
    socketio::Next next_;        ///< answers the CONNECT that waits
    std::unique_ptr<Comeback> comeback_;
    Entrance entrance_;
    std::uint32_t commands_ = 0;
    DeadlineQueue::Handle deadline_{};
    base::SteadyTime connected_at_;
    std::string remote_address_;
};

}  // namespace carillon::gateway
