#include "store/testing/consistency.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "contracts/bus_events.hpp"
#include "store/testing/drive.hpp"

namespace carillon::store::testing {
namespace {

constexpr std::uint32_t kPage = 100;

void add(std::map<base::UserId, std::vector<InboxEvent>>& out, const OutboxEvent& event) {
    InboxEvent found;
    found.event_id = event.event_id;
    found.traceparent = event.traceparent;
    if (event.subject == contracts::kNotificationCreatedSubject) {
        const auto decoded = contracts::decode_notification_created(event.payload);
        ASSERT_TRUE(decoded.has_value()) << event.payload;
        EXPECT_EQ(decoded->event_id, event.event_id);
        found.action = "created";
        found.version = decoded->version.value_or(0);
        found.unread = decoded->unread_count.value_or(0);
        found.notification_id = decoded->notification.id;
        out[decoded->notification.user_id].push_back(found);
    } else {
        ASSERT_EQ(event.subject, contracts::kNotificationUpdatedSubject);
        const auto decoded = contracts::decode_bus_notification_updated(event.payload);
        ASSERT_TRUE(decoded.has_value()) << event.payload;
        EXPECT_EQ(decoded->event_id, event.event_id);
        found.action = contracts::to_string(decoded->change.action);
        found.version = decoded->change.version;
        found.unread = decoded->change.unread_count;
        found.notification_id = decoded->change.notification_id;
        found.before = decoded->change.before;
        out[decoded->user_id].push_back(found);
    }
}

void expect_dense(const std::vector<InboxEvent>& events, InboxState state) {
    EXPECT_EQ(events.size(), state.version);
    std::set<base::EventId> ids;
    std::uint64_t unread = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
        const auto& event = events[i];
        EXPECT_EQ(event.version, i + 1) << "versions are dense and in order";
        EXPECT_TRUE(ids.insert(event.event_id).second) << "an event id is used once";
        if (event.action == "created") {
            EXPECT_EQ(event.unread, unread + 1);
        } else if (event.action == "read") {
            EXPECT_EQ(event.unread + 1, unread);
        } else {
            EXPECT_LT(event.unread, unread);
        }
        unread = event.unread;
    }
    EXPECT_EQ(unread, state.unread);
}

}  // namespace

std::vector<OutboxEvent> all_events(OutboxStore& outbox) {
    std::vector<OutboxEvent> events;
    for (;;) {
        auto page = run(outbox.pending(events.empty() ? 0 : events.back().sequence, 1'000));
        if (!page.has_value()) {
            ADD_FAILURE() << page.error().message();
            return events;
        }
        if (page->empty()) return events;
        events.insert(events.end(), page->begin(), page->end());
    }
}

std::map<base::UserId, std::vector<InboxEvent>> inbox_events(OutboxStore& outbox) {
    std::map<base::UserId, std::vector<InboxEvent>> by_user;
    for (const auto& event : all_events(outbox)) add(by_user, event);
    return by_user;
}

std::vector<contracts::Notification> all_notifications(NotificationStore& store, base::UserId user,
                                                       StatusFilter status) {
    std::vector<contracts::Notification> rows;
    ListQuery query{user, kPage, status, std::nullopt};
    do {
        auto page = run(store.list(query));
        if (!page.has_value()) {
            ADD_FAILURE() << page.error().message();
            return rows;
        }
        rows.insert(rows.end(), page->notifications.begin(), page->notifications.end());
        query.before = page->next_before;
    } while (query.before);
    return rows;
}

InboxState state_of(NotificationStore& store, base::UserId user) {
    const auto counts = run(store.counts({user}));
    if (!counts.has_value() || counts->size() != 1) {
        ADD_FAILURE() << "no count";
        return {};
    }
    return counts->front().state;
}

void expect_consistent(NotificationStore& store, OutboxStore& outbox, const std::vector<base::UserId>& users) {
    auto events = inbox_events(outbox);
    for (const auto& user : users) {
        SCOPED_TRACE("user " + user.to_string());
        const auto state = state_of(store, user);
        const auto rows = all_notifications(store, user);
        const auto unread = std::count_if(rows.begin(), rows.end(), [](const auto& row) { return !row.read_at; });
        EXPECT_EQ(static_cast<std::uint64_t>(unread), state.unread);
        EXPECT_EQ(all_notifications(store, user, StatusFilter::unread).size(), state.unread);
        EXPECT_EQ(all_notifications(store, user, StatusFilter::read).size(), rows.size() - state.unread);
        expect_dense(events[user], state);
    }
}

}  // namespace carillon::store::testing
