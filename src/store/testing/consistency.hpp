#pragma once

#include <map>
#include <string>
#include <vector>

#include "store/notification_store.hpp"
#include "store/outbox_store.hpp"

namespace carillon::store::testing {

/// One event of a user's inbox, as the bus would carry it.
struct InboxEvent {
    std::string action;  ///< "created", "read" or "read-all"
    base::EventId event_id;
    base::Version version = 0;
    std::uint64_t unread = 0;
    std::optional<base::NotificationId> notification_id;
    std::optional<base::Version> before;  ///< of a read-all
    std::string traceparent;
};

/// Everything in the outbox, in order.
std::vector<OutboxEvent> all_events(OutboxStore& outbox);
/// The same by user, decoded. A payload that breaks the contract fails the test.
std::map<base::UserId, std::vector<InboxEvent>> inbox_events(OutboxStore& outbox);
/// Every notification of the user, newest first, page by page.
std::vector<contracts::Notification> all_notifications(NotificationStore& store, base::UserId user,
                                                       StatusFilter status = StatusFilter::all);
/// The counters of one user.
InboxState state_of(NotificationStore& store, base::UserId user);

/// Holds the user's inbox against the rules, provided that no event has left the outbox: the count is that of the
/// unread rows; the versions are dense; each has one event, in order, with the count of that version.
void expect_consistent(NotificationStore& store, OutboxStore& outbox, const std::vector<base::UserId>& users);

}  // namespace carillon::store::testing
