#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "store/notification_store.hpp"
#include "store/outbox_store.hpp"
#include "store/revocation_store.hpp"
#include "store/user_store.hpp"

/// How a change becomes its event on the bus (api.md, "Bus"): one for each version of a user, made in the transaction
/// of the change. All adapters share it. The sequence is given by the outbox.
namespace carillon::store {

/// `notification.created`
OutboxEvent created_event(base::EventId id, const Created& created, std::string traceparent);

/// `notification.updated` with action `read`; `read.state` is the one after the change.
OutboxEvent read_event(base::EventId id, base::UserId user, const MarkedRead& read, std::string traceparent);

/// `notification.updated` with action `read-all`: what has version `before` or an older one was read.
OutboxEvent read_all_event(base::EventId id, base::UserId user, InboxState state, base::Version before,
                           base::TimePoint now, std::string traceparent);

/// `notification.updated` with action `read-all` and `reset`: notifications were erased, this is what is left.
OutboxEvent erased_event(base::EventId id, base::UserId user, InboxState state, base::TimePoint now,
                         std::string traceparent);

/// `user.registered`. The password hash stays behind.
OutboxEvent registered_event(base::EventId id, const User& user, std::string traceparent);

/// `token.revoked`; its event id is the revocation's.
OutboxEvent revoked_event(const Revocation& revocation, std::string traceparent);

}  // namespace carillon::store
