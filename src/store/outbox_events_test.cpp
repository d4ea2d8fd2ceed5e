#include "store/outbox_events.hpp"

#include <gtest/gtest.h>

namespace carillon::store {
namespace {

constexpr base::TimePoint kNow{std::chrono::milliseconds{1'795'421'833'042}};
const auto kEvent = base::EventId::parse("0199c1f0-0000-7000-8000-0000000000e1").value();
const auto kUser = base::UserId::parse("0199c1f0-0000-7000-8000-0000000000a1").value();
const auto kId = base::NotificationId::parse("0199c1f0-0000-7000-8000-0000000000b1").value();

TEST(OutboxEvents, CreatedIsTheNotificationWithTheCounters) {
    Created created;
    created.notification.id = kId;
    created.notification.user_id = kUser;
    created.notification.type = "greeting";
    created.notification.title = "Hello";
    created.notification.data_json = R"({"url":"/a"})";
    created.notification.created_at = kNow;
    created.notification.version = 7;
    created.state = {3, 7};
    const auto event = created_event(kEvent, created, "trace");
    EXPECT_EQ(event.subject, "notification.created");
    EXPECT_EQ(event.payload,
              R"({"eventId":"0199c1f0-0000-7000-8000-0000000000e1",)"
              R"("notificationId":"0199c1f0-0000-7000-8000-0000000000b1",)"
              R"("userId":"0199c1f0-0000-7000-8000-0000000000a1","type":"greeting","title":"Hello",)"
              R"("data":{"url":"/a"},"createdAt":"2026-11-23T08:17:13.042Z","unreadCount":3,"version":"7"})");
    EXPECT_EQ(event.traceparent, "trace");
    EXPECT_EQ(event.created_at, kNow);
    EXPECT_EQ(event.event_id, kEvent);
}

TEST(OutboxEvents, ReadNamesTheNotification) {
    const auto event = read_event(kEvent, kUser, {kId, kNow, {2, 8}, true}, "");
    EXPECT_EQ(event.subject, "notification.updated");
    EXPECT_EQ(
        event.payload,
        R"({"eventId":"0199c1f0-0000-7000-8000-0000000000e1","userId":"0199c1f0-0000-7000-8000-0000000000a1",)"
        R"("action":"read","notificationId":"0199c1f0-0000-7000-8000-0000000000b1","unreadCount":2,"version":"8"})");
}

TEST(OutboxEvents, ReadAllNamesNone) {
    const auto event = read_all_event(kEvent, kUser, {0, 9}, 8, kNow, "");
    EXPECT_EQ(event.payload,
              R"({"eventId":"0199c1f0-0000-7000-8000-0000000000e1","userId":"0199c1f0-0000-7000-8000-0000000000a1",)"
              R"("action":"read-all","unreadCount":0,"version":"9","before":"8"})");
}

TEST(OutboxEvents, ErasedIsAReadAllThatResets) {
    const auto event = erased_event(kEvent, kUser, {0, 9}, kNow, "");
    EXPECT_EQ(event.subject, "notification.updated");
    EXPECT_EQ(event.payload,
              R"({"eventId":"0199c1f0-0000-7000-8000-0000000000e1","userId":"0199c1f0-0000-7000-8000-0000000000a1",)"
              R"("action":"read-all","unreadCount":0,"version":"9","reset":true})");
}

TEST(OutboxEvents, RegisteredKeepsThePasswordToItself) {
    const User user{kUser, "ada@example.org", "Ada", "$argon2id$secret", kNow};
    const auto event = registered_event(kEvent, user, "");
    EXPECT_EQ(event.subject, "user.registered");
    EXPECT_EQ(event.payload,
              R"({"eventId":"0199c1f0-0000-7000-8000-0000000000e1","userId":"0199c1f0-0000-7000-8000-0000000000a1",)"
              R"("email":"ada@example.org","name":"Ada","createdAt":"2026-11-23T08:17:13.042Z"})");
}

}  // namespace
}  // namespace carillon::store
