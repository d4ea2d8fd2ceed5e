#include "gateway/command_handler.hpp"

#include <string_view>
#include <utility>

#include "contracts/socket_events.hpp"
#include "gateway/socket_session.hpp"
#include "http/trace_context.hpp"
#include "loop/task.hpp"

namespace carillon::gateway {
namespace {

using contracts::AckErrorCode;
using SessionPtr = std::shared_ptr<SocketSession>;

/// Ends a command of the session and, should nothing have answered it, answers. Lives in the command's coroutine.
class CommandScope {
 public:
    CommandScope(SessionPtr session, ReplyPtr reply) : session_{std::move(session)}, reply_{std::move(reply)} {
        auto& context = session_->context();
        deadline_ = context.deadlines.add(context.clock.steady_now() + context.config.command_timeout,
                                          [weak = std::weak_ptr<Reply>{reply_}] {
                                              const auto late = weak.lock();
                                              if (!late) return;
                                              late->error({AckErrorCode::unavailable, "No answer in time.", 1'000});
                                          });
    }
    ~CommandScope() {
        session_->context().deadlines.cancel(deadline_);
        session_->end_command();
        reply_->error(AckErrorCode::internal, "The command failed.");
    }
    CommandScope(const CommandScope&) = delete;
    CommandScope& operator=(const CommandScope&) = delete;

    Caller caller() const { return {session_->identity()->user, http::continue_trace({}).traceparent}; }
    NotificationApi& api() const { return session_->context().notifications; }
    Reply& reply() const { return *reply_; }

 private:
    const SessionPtr session_;
    const ReplyPtr reply_;
    DeadlineQueue::Handle deadline_{};
};

loop::Task<void> mark_read(SessionPtr session, ReplyPtr reply, base::NotificationId id) {
    const CommandScope command{std::move(session), std::move(reply)};
    const Caller caller = command.caller();
    const auto answer = co_await command.api().mark_read(caller, id);
    if (!answer) {
        command.reply().error(to_ack_error(answer.error()));
        co_return;
    }
    command.reply().ok(contracts::encode_ack_read(answer->id, answer->count.unread, answer->count.version));
}

loop::Task<void> read_all(SessionPtr session, ReplyPtr reply, std::optional<base::Version> before) {
    const CommandScope command{std::move(session), std::move(reply)};
    const Caller caller = command.caller();
    const auto answer = co_await command.api().read_all(caller, before);
    if (!answer) {
        command.reply().error(to_ack_error(answer.error()));
        co_return;
    }
    contracts::ReadAllAnswer body;
    body.updated = answer->updated;
    body.unread_count = answer->count.unread;
    body.version = answer->count.version;
    command.reply().ok(contracts::encode_ack_read_all(body));
}

loop::Task<void> sync(SessionPtr session, ReplyPtr reply, contracts::SyncCommand request) {
    const CommandScope command{std::move(session), std::move(reply)};
    const Caller caller = command.caller();
    auto answer = co_await command.api().sync(caller, request.since, request.limit);
    if (!answer) {
        command.reply().error(to_ack_error(answer.error()));
        co_return;
    }
    contracts::SyncAnswer body;
    body.reset = answer->reset;
    body.version = answer->count.version;
    body.unread_count = answer->count.unread;
    body.read_all_before = answer->read_all_before;
    body.notifications = std::move(answer->notifications);
    body.has_more = answer->has_more;
    command.reply().ok(contracts::encode_ack_sync(body));
}

/// Starts a command's coroutine, if the socket does not have too many under way.
template <class Start>
void run(const SessionPtr& session, const ReplyPtr& reply, Start start) {
    if (!session->begin_command()) {
        session->context().metrics.rate_limited.increment();
        reply->error({AckErrorCode::rate_limited, "Too many commands under way.", 1'000});
        return;
    }
    loop::spawn(session->context().executor, start(), "gateway: command");
}

template <class T>
bool refuse_invalid(const contracts::Decoded<T>& decoded, Reply& reply) {
    if (decoded) return false;
    reply.error(AckErrorCode::invalid_payload, decoded.error().summary());
    return true;
}

}  // namespace

void handle_command(const SessionPtr& session, const socketio::ReceivedEvent& event, ReplyPtr reply) {
    const std::string_view payload = event.arguments_json.empty() ? std::string_view{} : event.arguments_json.front();
    const std::string_view name = event.name;

    if (name == contracts::kAuthEvent) {
        const auto message = contracts::decode_auth_message(payload);
        if (!refuse_invalid(message, *reply)) session->authenticate(message->token, *reply);
        return;
    }
    const bool read = name == contracts::kNotificationReadEvent;
    const bool read_all_of_user = name == contracts::kNotificationReadAllEvent;
    if (!read && !read_all_of_user && name != contracts::kNotificationSyncEvent) {
        return reply->error(AckErrorCode::invalid_payload, "Unknown event.");
    }
    if (!session->identity()) return reply->error(AckErrorCode::unauthenticated, "Send AUTH first.");
    if ((read || read_all_of_user) && !session->identity()->may_update) {
        return reply->error(AckErrorCode::forbidden, "The token lacks notification:update.");
    }
    if (read) {
        const auto command = contracts::decode_read_command(payload);
        if (refuse_invalid(command, *reply)) return;
        run(session, reply, [&] { return mark_read(session, reply, command->notification_id); });
    } else if (read_all_of_user) {
        const auto command = contracts::decode_read_all_command(payload);
        if (refuse_invalid(command, *reply)) return;
        run(session, reply, [&] { return read_all(session, reply, command->before); });
    } else {
        const auto command = contracts::decode_sync_command(payload);
        if (refuse_invalid(command, *reply)) return;
        run(session, reply, [&] { return sync(session, reply, *command); });
    }
}

}  // namespace carillon::gateway
