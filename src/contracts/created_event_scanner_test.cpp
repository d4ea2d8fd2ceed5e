#include "contracts/created_event_scanner.hpp"

#include <gtest/gtest.h>

namespace carillon::contracts {
namespace {

NotificationCreated sample() {
    NotificationCreated event;
    event.event_id = *base::EventId::parse("0191f0c0-0000-7000-8000-000000000001");
    event.notification.id = *base::NotificationId::parse("0191f0c0-0000-7000-8000-000000000002");
    event.notification.user_id = *base::UserId::parse("0191f0c0-0000-7000-8000-000000000003");
    event.notification.type = "comment";
    event.notification.title = "Ada replied to you";
    event.notification.body = "Shall we?";
    event.notification.created_at = *base::parse_iso8601("2026-11-23T08:17:13.042Z");
    event.notification.version = 12;
    event.unread_count = 3;
    event.version = 12;
    return event;
}

void expect_same(const NotificationCreated& scanned, const NotificationCreated& decoded, const std::string& text) {
    EXPECT_EQ(scanned.event_id, decoded.event_id) << text;
    EXPECT_EQ(scanned.notification, decoded.notification) << text;
    EXPECT_EQ(scanned.unread_count, decoded.unread_count) << text;
    EXPECT_EQ(scanned.version, decoded.version) << text;
}

TEST(CreatedEventScanner, TakesWhatOurServicesWrite) {
    auto event = sample();
    for (const bool with_body : {true, false}) {
        for (const bool with_count : {true, false}) {
            for (const bool with_version : {true, false}) {
                auto one = event;
                if (!with_body) one.notification.body.reset();
                if (!with_count) one.unread_count.reset();
                if (!with_version) {
                    one.version.reset();
                    one.notification.version = 0;
                }
                const auto text = encode_bus_event(one);
                const auto scanned = scan_notification_created(text);
                ASSERT_TRUE(scanned) << text;
                expect_same(*scanned, one, text);
            }
        }
    }
}

TEST(CreatedEventScanner, LeavesTheRestToTheGeneralDecoder) {
    auto event = sample();
    event.notification.title = "Chào buổi sáng";
    EXPECT_FALSE(scan_notification_created(encode_bus_event(event)));
    event.notification.title = "a \"quoted\" word";
    EXPECT_FALSE(scan_notification_created(encode_bus_event(event)));
    event.notification.title = std::string(kTitleCharsMax + 1, 'x');
    EXPECT_FALSE(scan_notification_created(encode_bus_event(event)));
    event = sample();
    event.notification.data_json = "{\"url\":\"/x\"}";
    EXPECT_FALSE(scan_notification_created(encode_bus_event(event)));
    EXPECT_FALSE(scan_notification_created(""));
    EXPECT_FALSE(scan_notification_created("{}"));
}

// Whatever is broken in it, at whatever place: the scanner never takes what the general decoder would not, and never
// understands it differently.
TEST(CreatedEventScanner, AgreesWithTheGeneralDecoderOnEveryMutation) {
    const std::string good = encode_bus_event(sample());
    std::size_t taken = 0;
    const auto check = [&taken](const std::string& text) {
        const auto scanned = scan_notification_created(text);
        if (!scanned) return;
        ++taken;
        const auto decoded = decode_notification_created(text + " ");  // the space keeps it off the scanner's path
        ASSERT_TRUE(decoded) << text;
        expect_same(*scanned, *decoded, text);
    };
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (const char c : std::string_view{"\0\x1F \"\\0159azZ{}[],:-\x7F\x80\xC3", 23}) {
            auto changed = good;
            changed[i] = c;
            check(changed);
            check(good.substr(0, i) + c + good.substr(i));
        }
        check(good.substr(0, i) + good.substr(i + 1));
        check(good.substr(0, i));
        check(good + good.substr(i));
    }
    EXPECT_GT(taken, 500U) << "most changes of a text are still texts";
}

}  // namespace
}  // namespace carillon::contracts
