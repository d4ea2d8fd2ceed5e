#include "gateway/socket_session.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.hpp"
#include "base/log_limit.hpp"
#include "contracts/socket_events.hpp"
#include "gateway/command_handler.hpp"

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kExpiryNotice{60'000};
/// Wall clocks are set now and then; a far deadline is looked at again at least this often.
constexpr std::chrono::milliseconds kLongestWait = 1h;
constexpr const char* kRateReason = "rate limit exceeded";
constexpr const char* kTokenReason = "token expired";
constexpr const char* kRevokedReason = "token revoked";
/// No version: a client that shows it is not recovered.
constexpr std::uint64_t kUnknownOffset = std::numeric_limits<std::uint64_t>::max();

socketio::ConnectError connect_error(const AuthRefusal& refusal) {
    return {refusal.message, R"({"code":")" + std::string{contracts::to_string(refusal.code)} + R"("})"};
}

std::string user_name(const std::optional<SocketIdentity>& identity) {
    return identity ? identity->user.to_string() : std::string{"-"};
}

/// A socket of nobody we know may come as often as it likes.
bool is_logged(const std::optional<SocketIdentity>& identity, base::SteadyTime now) {
    static base::LogLimit anonymous{"sockets without a good token"};
    return identity || anonymous.take(now);
}

}  // namespace

void SocketSession::serve(socketio::Namespace& nsp, std::shared_ptr<SessionContext> context) {
    nsp.use([context](const socketio::SocketPtr& socket, const socketio::Next& next) {
        auto session = std::make_shared<SocketSession>(context, socket);
        if (const auto refusal = session->admit()) {
            context->metrics.auth_failed(contracts::to_string(refusal->code));
            if (is_logged({}, context->clock.steady_now())) {
                base::log_info("socket refused", {{"code", contracts::to_string(refusal->code)},
                                                  {"remote", socket->handshake().remote_address}});
            }
            next(connect_error(*refusal));
            return;
        }
        socket->data = session;
        session->welcome(next);
    });
    nsp.on_connection(
        [](const socketio::SocketPtr& socket) { std::static_pointer_cast<SocketSession>(socket->data)->begin(); });
}

SocketSession::SocketSession(std::shared_ptr<SessionContext> context, const socketio::SocketPtr& socket)
    : context_{std::move(context)}, socket_{socket}, connected_at_{context_->clock.steady_now()} {}

SocketSession::~SocketSession() {
    context_->deadlines.cancel(deadline_);
    stop_waiting();
    if (holds_slot_) limits_->remove_socket();
}

std::optional<AuthRefusal> SocketSession::admit() {
    const auto socket = socket_.lock();
    remote_address_ = socket->handshake().remote_address;
    const auto token = handshake_token(socket->handshake(), context_->config.query_token);
    if (!token) {
        limits_ = context_->limiter.anonymous();
        return std::nullopt;
    }
    const auto identity = gateway::authenticate(context_->tokens, *token, context_->clock.now());
    if (!identity) return identity.error();
    return take_identity(*identity);
}

std::optional<AuthRefusal> SocketSession::take_identity(const SocketIdentity& identity) {
    auto limits = context_->limiter.of(identity.user);
    if (!limits->try_add_socket(context_->config.max_sockets_per_user)) {
        return AuthRefusal{contracts::ConnectErrorCode::too_many_connections, "The user has too many connections."};
    }
    limits_ = std::move(limits);
    holds_slot_ = true;
    identity_ = identity;
    return std::nullopt;
}

void SocketSession::welcome(socketio::Next next) {
    const auto socket = socket_.lock();
    offsets_ = takes_offsets(socket->handshake());
    if (!identity_) {
        if (offsets_) socket->send_offsets(kUnknownOffset);
        next(std::nullopt);
        return;
    }
    if (offsets_) {
        auto comeback = find_comeback(socket->handshake(), identity_->user, socket->nsp(), context_->pids);
        if (comeback) comeback_ = std::make_unique<Comeback>(std::move(*comeback));
    }
    next_ = std::move(next);
    expected_ = true;
    context_->registry.expect(identity_->user);
    set_deadline(context_->clock.steady_now() + context_->config.state_wait, &SocketSession::on_no_state);
    ask_for_state();
}

void SocketSession::ask_for_state() {
    arrival_ = ++context_->last_arrival;
    context_->arriving.emplace(arrival_, weak_from_this());
    Newcomer newcomer;
    newcomer.number = arrival_;
    if (comeback_) {
        newcomer.socket_id = comeback_->socket_id;
        newcomer.since = comeback_->since;
    }
    context_->on_arriving(identity_->user, std::move(newcomer));
}

void SocketSession::stop_waiting() {
    if (arrival_ != 0) context_->arriving.erase(std::exchange(arrival_, 0));
    if (!std::exchange(expected_, false)) return;
    if (context_->registry.forget_expected(identity_->user)) context_->on_user_gone(identity_->user);
}

void SocketSession::on_no_state() {
    // The service does not answer: what a client has missed it must ask for by itself.
    enter(std::nullopt, false);
}

void SocketSession::arrive(const Arrival& arrival) {
    const auto self = shared_from_this();
    context_->arriving.erase(std::exchange(arrival_, 0));
    if (!next_) return tell(arrival.count);  // it was let in before
    const bool recovered = arrival.recovered && comeback_;
    enter(arrival.offset, recovered);
    if (recovered) {
        for (const auto& delivery : arrival.missed) tell(delivery);
    }
    tell(arrival.count);
    const auto socket = socket_.lock();
    if (recovered && socket && socket->connected()) context_->on_recovered({socket->id(), entrance_});
}

void SocketSession::enter(std::optional<base::Version> offset, bool recovered) {
    const auto socket = socket_.lock();
    context_->deadlines.cancel(deadline_);
    const auto next = std::exchange(next_, nullptr);
    const auto comeback = std::exchange(comeback_, nullptr);
    if (!socket || !next) return;
    connected_at_ = context_->clock.steady_now();
    entrance_.at_us =
        std::chrono::duration_cast<std::chrono::microseconds>(context_->clock.now().time_since_epoch()).count();
    if (recovered) {
        recovered_ = true;
        base::random_bytes(&entrance_.number, sizeof entrance_.number);
        socket->recover_as(comeback->pid, comeback->socket_id);
    } else if (offsets_) {
        socket->recover_as(context_->pids.seal({identity_->user, socket->nsp(), socket->id(), offset}));
    }
    if (offsets_) socket->send_offsets(offset.value_or(kUnknownOffset));
    next(std::nullopt);
}

void SocketSession::tell(const Delivery& delivery) {
    const auto socket = socket_.lock();
    if (!socket || !socket->connected()) return;
    socket->emit(delivery.events);
    log_delivery(delivery, *socket);
    auto& metrics = context_->metrics;
    if (delivery.news > 0) metrics.sent(contracts::kNotificationNewEvent, delivery.news);
    if (delivery.updates > 0) metrics.sent(contracts::kNotificationUpdatedEvent, delivery.updates);
    if (delivery.counts > 0) metrics.sent(contracts::kUnreadCountUpdatedEvent, delivery.counts);
}

void SocketSession::tell(const socketio::EncodedEvent& event) {
    const auto socket = socket_.lock();
    if (!socket || !socket->connected()) return;
    socket->emit(event);
    context_->metrics.sent(event.event(), 1);
}

void SocketSession::give_way(const RecoveryNotice& notice) {
    const auto socket = socket_.lock();
    const auto age =
        std::chrono::duration_cast<std::chrono::milliseconds>(context_->clock.steady_now() - connected_at_);
    if (!socket || !is_older(entrance_, age, notice)) return;
    base::log_info("socket gives way to a newer one", {{"user", user_name(identity_)}, {"socket", socket->id()}});
    // With a goodbye: a client that is still there must not come back and fight for the id.
    socket->disconnect(true);
}

void SocketSession::begin() {
    const auto socket = socket_.lock();
    socket->release_handshake();
    // The socket owns this session, so it is there whenever the socket calls.
    socket->on_any(
        [this](const socketio::ReceivedEvent& event, socketio::Ack ack) { on_event(event, std::move(ack)); });
    socket->on_disconnect([this](std::string_view reason) { end(reason); });
    if (is_logged(identity_, connected_at_))
        base::log_info("socket connected", {{"user", user_name(identity_)},
                                            {"socket", socket->id()},
                                            {"nsp", socket->nsp()},
                                            {"transport", socket->transport()},
                                            {"remote", remote_address_},
                                            {"recovered", recovered_}});
    if (identity_) {
        register_socket();
        if (std::exchange(expected_, false)) context_->registry.forget_expected(identity_->user);
    } else {
        set_deadline(connected_at_ + context_->config.auth_timeout, &SocketSession::on_auth_timeout);
    }
}

void SocketSession::register_socket() {
    const auto socket = socket_.lock();
    if (!socket) return;
    context_->registry.register_socket(identity_->user, socket->id(), socket);
    watch_token();
    // Between its verification and now nobody could find this socket to close it.
    if (context_->revocations != nullptr && context_->revocations->refuses(identity_->user, identity_->token)) {
        socket->close_transport(kRevokedReason);
    }
}

void SocketSession::end_if_revoked(const contracts::Revocation& revocation) {
    if (!identity_ || !identity_->token.is_refused_by(revocation)) return;
    context_->metrics.auth_failed("token_revoked");
    if (const auto socket = socket_.lock()) socket->close_transport(kRevokedReason);
}

void SocketSession::end(std::string_view reason) {
    const auto self = shared_from_this();
    context_->deadlines.cancel(deadline_);
    const auto socket = socket_.lock();
    if (!socket) return;
    if (const auto gone = context_->registry.unregister_socket(socket->id()); gone && gone->last) {
        context_->on_user_gone(gone->user);
    }
    if (std::exchange(holds_slot_, false)) limits_->remove_socket();
    const auto now = context_->clock.steady_now();
    const auto lived = std::chrono::duration_cast<std::chrono::milliseconds>(now - connected_at_);
    if (!is_logged(identity_, now)) return;
    base::log_info("socket disconnected", {{"user", user_name(identity_)},
                                           {"socket", socket->id()},
                                           {"transport", socket->transport()},
                                           {"remote", remote_address_},
                                           {"reason", reason},
                                           {"duration_ms", lived.count()}});
}

void SocketSession::on_event(const socketio::ReceivedEvent& event, socketio::Ack ack) {
    context_->metrics.received(event.name);
    const auto decision = limits_->take(context_->clock.steady_now());
    auto reply = std::make_shared<Reply>(socket_, std::move(ack), context_->metrics);
    if (decision.flooding || !decision.allowed) context_->metrics.rate_limited.increment();
    if (decision.flooding) {
        if (const auto socket = socket_.lock()) socket->close_transport(kRateReason);
        return;
    }
    if (!decision.allowed) {
        reply->error({contracts::AckErrorCode::rate_limited, "Too many messages.",
                      static_cast<std::uint64_t>(decision.retry_after.count())});
        return;
    }
    handle_command(shared_from_this(), event, std::move(reply));
}

void SocketSession::authenticate(std::string_view token, Reply& reply) {
    using contracts::AckErrorCode;
    const auto found = gateway::authenticate(context_->tokens, token, context_->clock.now());
    const bool renewal = identity_.has_value();
    std::optional<AuthRefusal> refusal;
    if (!found) {
        refusal = found.error();
    } else if (!identity_) {
        refusal = take_identity(*found);
    } else if (identity_->user != found->user) {
        refusal = AuthRefusal{contracts::ConnectErrorCode::forbidden, "The token is another user's."};
    }
    if (refusal) {
        context_->metrics.auth_failed(contracts::to_string(refusal->code));
        const bool bad_token = refusal->code == contracts::ConnectErrorCode::token_invalid ||
                               refusal->code == contracts::ConnectErrorCode::token_expired;
        reply.error(bad_token ? AckErrorCode::unauthenticated : AckErrorCode::forbidden, refusal->message);
        return;
    }
    identity_ = *found;
    expiry_told_ = false;
    reply.ok(contracts::encode_ack_auth(identity_->user));
    if (renewal) {
        watch_token();
        return;
    }
    base::log_info("socket authenticated", {{"user", user_name(identity_)}, {"socket", socket_.lock()->id()}});
    register_socket();
    ask_for_state();
}

bool SocketSession::begin_command() {
    if (commands_ >= context_->config.commands_in_flight_max) return false;
    ++commands_;
    return true;
}

void SocketSession::set_deadline(base::SteadyTime when, void (SocketSession::*callback)()) {
    context_->deadlines.cancel(deadline_);
    deadline_ = context_->deadlines.add(when, [weak = weak_from_this(), callback] {
        if (const auto self = weak.lock()) ((*self).*callback)();
    });
}

void SocketSession::on_auth_timeout() {
    context_->metrics.auth_failed(contracts::to_string(contracts::ConnectErrorCode::unauthorized));
    // With a DISCONNECT, so that a stock client does not come back for ever.
    if (const auto socket = socket_.lock()) socket->disconnect(true);
}

void SocketSession::watch_token() {
    const auto socket = socket_.lock();
    if (!socket || !socket->connected()) return;
    const auto now = context_->clock.now();
    const auto left = identity_->expires_at - now;
    if (left <= 0ms) {
        socket->close_transport(kTokenReason);
        return;
    }
    if (!expiry_told_ && left <= kExpiryNotice) {
        expiry_told_ = true;
        const std::string json = contracts::encode_auth_expiring(identity_->expires_at);
        socket->emit(contracts::kAuthExpiringEvent, {json});
        context_->metrics.sent(contracts::kAuthExpiringEvent, 1);
    }
    const auto wait = std::min<std::chrono::milliseconds>(expiry_told_ ? left : left - kExpiryNotice, kLongestWait);
    set_deadline(context_->clock.steady_now() + std::max<std::chrono::milliseconds>(wait, 1ms),
                 &SocketSession::watch_token);
}

}  // namespace carillon::gateway
