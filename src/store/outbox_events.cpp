#include "store/outbox_events.hpp"

#include <utility>

#include "contracts/bus_events.hpp"
#include "contracts/revocations.hpp"

namespace carillon::store {
namespace {

OutboxEvent make(base::EventId id, std::string_view subject, std::string payload, std::string traceparent,
                 base::TimePoint created_at) {
    OutboxEvent event;
    event.event_id = id;
    event.subject = subject;
    event.payload = std::move(payload);
    event.traceparent = std::move(traceparent);
    event.created_at = created_at;
    return event;
}

OutboxEvent updated(base::EventId id, base::UserId user, contracts::InboxChange change, base::TimePoint now,
                    std::string traceparent) {
    contracts::NotificationUpdated event;
    event.event_id = id;
    event.user_id = user;
    event.change = std::move(change);
    return make(id, contracts::kNotificationUpdatedSubject, contracts::encode_bus_event(event), std::move(traceparent),
                now);
}

}  // namespace

OutboxEvent created_event(base::EventId id, const Created& created, std::string traceparent) {
    contracts::NotificationCreated event;
    event.event_id = id;
    event.notification = created.notification;
    event.unread_count = created.state.unread;
    event.version = created.state.version;
    return make(id, contracts::kNotificationCreatedSubject, contracts::encode_bus_event(event), std::move(traceparent),
                created.notification.created_at);
}

OutboxEvent read_event(base::EventId id, base::UserId user, const MarkedRead& read, std::string traceparent) {
    contracts::InboxChange change;
    change.action = contracts::UpdateAction::read;
    change.notification_id = read.id;
    change.unread_count = read.state.unread;
    change.version = read.state.version;
    return updated(id, user, std::move(change), read.read_at, std::move(traceparent));
}

OutboxEvent read_all_event(base::EventId id, base::UserId user, InboxState state, base::Version before,
                           base::TimePoint now, std::string traceparent) {
    contracts::InboxChange change;
    change.action = contracts::UpdateAction::read_all;
    change.unread_count = state.unread;
    change.version = state.version;
    change.before = before;
    return updated(id, user, std::move(change), now, std::move(traceparent));
}

OutboxEvent erased_event(base::EventId id, base::UserId user, InboxState state, base::TimePoint now,
                         std::string traceparent) {
    contracts::InboxChange change;
    change.action = contracts::UpdateAction::read_all;
    change.unread_count = state.unread;
    change.version = state.version;
    change.reset = true;
    return updated(id, user, std::move(change), now, std::move(traceparent));
}

OutboxEvent registered_event(base::EventId id, const User& user, std::string traceparent) {
    contracts::UserRegistered event;
    event.event_id = id;
    event.user_id = user.id;
    event.email = user.email;
    event.name = user.name;
    event.created_at = user.created_at;
    return make(id, contracts::kUserRegisteredSubject, contracts::encode_bus_event(event), std::move(traceparent),
                user.created_at);
}

OutboxEvent revoked_event(const Revocation& revocation, std::string traceparent) {
    contracts::TokenRevoked event;
    event.event_id = base::EventId{revocation.id.uuid};
    event.revocation = {revocation.user, revocation.token_id, revocation.issued_before, revocation.revoked_at,
                        revocation.expires_at};
    return make(event.event_id, contracts::kTokenRevokedSubject, contracts::encode_bus_event(event),
                std::move(traceparent), revocation.revoked_at);
}

}  // namespace carillon::store
