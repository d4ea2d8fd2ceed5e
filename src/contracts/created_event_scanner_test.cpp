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
                const auto scanned = scan_created_event(text);
                ASSERT_TRUE(scanned) << text;
                expect_same(to_event(*scanned), one, text);
                ASSERT_EQ(!scanned->socket_event_members.empty(), with_count && with_version);
                if (scanned->socket_event_members.empty()) continue;
                EXPECT_EQ("{" + std::string{scanned->socket_event_members} + "}",
                          encode_notification_new(one.notification, *one.unread_count));
            }
        }
    }
}

TEST(CreatedEventScanner, TakesTextsOfAnyLanguageAsTheyAre) {
    auto event = sample();
    event.notification.title = "Chào buổi sáng, \xF0\x9F\x94\x94";
    event.notification.body = "a \"quoted\" \\word\\\n\ttab\b\f\r / \x7F";
    const auto text = encode_bus_event(event);
    const auto scanned = scan_created_event(text);
    ASSERT_TRUE(scanned);
    expect_same(to_event(*scanned), event, text);
    EXPECT_EQ("{" + std::string{scanned->socket_event_members} + "}",
              encode_notification_new(event.notification, *event.unread_count));
    // Characters are counted, not bytes.
    event.notification.title.clear();
    for (std::size_t i = 0; i < kTitleCharsMax; ++i) event.notification.title += "\xE1\xBB\x95";
    EXPECT_TRUE(scan_created_event(encode_bus_event(event)));
    event.notification.title += "x";
    EXPECT_FALSE(scan_created_event(encode_bus_event(event)));
}

TEST(CreatedEventScanner, HasNoMembersForTheSocketWhenTheyWouldBeWrittenOtherwise) {
    auto text = encode_bus_event(sample());
    text.replace(text.find("0191f0c0"), 8, "0191F0C0");
    const auto scanned = scan_created_event(text);
    ASSERT_TRUE(scanned);
    EXPECT_TRUE(scanned->socket_event_members.empty());
}

TEST(CreatedEventScanner, LeavesTheRestToTheGeneralDecoder) {
    auto event = sample();
    event.notification.title = std::string(kTitleCharsMax + 1, 'x');
    EXPECT_FALSE(scan_created_event(encode_bus_event(event)));
    event.notification.title = "\x01";
    EXPECT_FALSE(scan_created_event(encode_bus_event(event))) << "escaped as \\u0001";
    event = sample();
    event.notification.data_json = "{\"url\":\"/x\"}";
    EXPECT_FALSE(scan_created_event(encode_bus_event(event)));
    EXPECT_FALSE(scan_created_event(""));
    EXPECT_FALSE(scan_created_event("{}"));
    auto text = encode_bus_event(sample());
    for (const char* const broken : {"\\/", "\\u0041", "\\x", "\xC3", "\xED\xA0\x80", "\xC0\x80", "\x1F", "\\"}) {
        auto changed = text;
        changed.replace(changed.find("Ada"), 3, broken);
        EXPECT_FALSE(scan_created_event(changed)) << broken;
    }
}

// Whatever is broken in it, at whatever place: the scanner never takes what the general decoder would not, and never
// understands it differently.
TEST(CreatedEventScanner, AgreesWithTheGeneralDecoderOnEveryMutation) {
    auto event = sample();
    event.notification.body = "Sh\xC3\xA1ll \"we\"?\n";
    const std::string good = encode_bus_event(event);
    std::size_t taken = 0;
    const auto check = [&taken](const std::string& text) {
        const auto scanned = scan_created_event(text);
        if (!scanned) return;
        ++taken;
        const auto decoded = decode_notification_created(text + " ");  // the space keeps it off the scanner's path
        ASSERT_TRUE(decoded) << text;
        expect_same(to_event(*scanned), *decoded, text);
        if (scanned->socket_event_members.empty()) return;
        ASSERT_EQ("{" + std::string{scanned->socket_event_members} + "}",
                  encode_notification_new(decoded->notification, *decoded->unread_count))
            << text;
    };
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (const char c : std::string_view{"\0\x1F \"\\0159aAztTZ{}[],:-\x7F\x80\xC3", 26}) {
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
