// The exact bytes of the payloads, and the rules that no schema can say.
#include <gtest/gtest.h>

#include "contracts/bus_events.hpp"
#include "contracts/internal_bodies.hpp"
#include "contracts/problem.hpp"
#include "contracts/socket_events.hpp"

namespace carillon::contracts {
namespace {

constexpr const char* kIdText = "0190a5f4-7c3b-7def-8123-456789abcdef";
constexpr const char* kUserText = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

Notification sample() {
    Notification notification;
    notification.id = *base::NotificationId::parse(kIdText);
    notification.user_id = *base::UserId::parse(kUserText);
    notification.type = "order.shipped";
    notification.title = "It \"rings\"";
    notification.created_at = *base::parse_iso8601("2026-11-23T08:17:13.042Z");
    notification.version = 42;
    return notification;
}

TEST(NotificationNew, HasTheFieldsOfTheContractInOrder) {
    auto notification = sample();
    EXPECT_EQ(encode_notification_new(notification, 3),
              R"({"notificationId":"0190a5f4-7c3b-7def-8123-456789abcdef",)"
              R"("userId":"6f9619ff-8b86-4d01-b42d-00cf4fc964ff","type":"order.shipped","title":"It \"rings\"",)"
              R"("createdAt":"2026-11-23T08:17:13.042Z","unreadCount":3,"version":"42"})");
    notification.body = "text";
    notification.data_json = R"({"url":"/a"})";
    const auto decoded = decode_notification_new(encode_notification_new(notification, 3));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->notification, notification);
    EXPECT_EQ(decoded->unread_count, 3U);
}

TEST(Notification, SaysNullWhileUnread) {
    auto notification = sample();
    EXPECT_NE(encode_notification(notification).find(R"("readAt":null,"version":"42"})"), std::string::npos);
    notification.read_at = notification.created_at;
    EXPECT_EQ(*decode_notification(encode_notification(notification)), notification);
}

TEST(NotificationUpdated, CarriesAnIdOnlyForRead) {
    InboxChange change{UpdateAction::read, base::NotificationId::parse(kIdText), 2, 7};
    EXPECT_EQ(
        encode_notification_updated(change),
        R"({"action":"read","notificationId":"0190a5f4-7c3b-7def-8123-456789abcdef","unreadCount":2,"version":"7"})");
    change.action = UpdateAction::read_all;
    EXPECT_EQ(encode_notification_updated(change), R"({"action":"read-all","unreadCount":2,"version":"7"})");
    change.before = 5;
    EXPECT_EQ(encode_notification_updated(change),
              R"({"action":"read-all","unreadCount":2,"version":"7","before":"5"})");
    EXPECT_EQ(decode_notification_updated(encode_notification_updated(change))->before, 5U);
    change.before.reset();
    change.reset = true;
    EXPECT_EQ(encode_notification_updated(change),
              R"({"action":"read-all","unreadCount":2,"version":"7","reset":true})");
}

TEST(Acks, HaveTheFieldsOfTheContract) {
    EXPECT_EQ(encode_ack_read(*base::NotificationId::parse(kIdText), 0, 9),
              R"({"ok":true,"notificationId":"0190a5f4-7c3b-7def-8123-456789abcdef","unreadCount":0,"version":"9"})");
    EXPECT_EQ(encode_ack_read_all({5, 1, 9}), R"({"ok":true,"updated":5,"unreadCount":1,"version":"9"})");
    EXPECT_EQ(
        encode_ack_sync({.reset = true,
                         .version = 9,
                         .unread_count = 1,
                         .read_all_before = 4,
                         .notifications = {},
                         .deleted = {},
                         .has_more = false}),
        R"({"ok":true,"reset":true,"version":"9","unreadCount":1,"readAllBefore":"4","notifications":[],"hasMore":false})");
    EXPECT_EQ(encode_ack_error({AckErrorCode::rate_limited, "slow down", 100}),
              R"({"ok":false,"error":{"code":"rate_limited","message":"slow down","retryAfterMs":100}})");
    EXPECT_EQ(encode_error_event({AckErrorCode::not_found, "none", std::nullopt}),
              R"({"ok":false,"error":{"code":"not_found","message":"none"},"code":"not_found","message":"none"})");
    EXPECT_EQ(encode_connect_error(ConnectErrorCode::forbidden, "no"),
              R"({"message":"no","data":{"code":"forbidden"}})");
}

TEST(Commands, WithoutAnArgumentMissTheirFields) {
    EXPECT_TRUE(decode_read_all_command(""));
    EXPECT_TRUE(decode_read_all_command("null"));
    EXPECT_EQ(decode_read_all_command(R"({"before":"7"})")->before, 7U);
    for (const auto& invalid :
         {decode_read_command("").error(), decode_sync_command("").error(), decode_auth_message("").error()}) {
        EXPECT_EQ(invalid.kind, Invalid::Kind::breaks_contract);
    }
    EXPECT_EQ(decode_sync_command(R"({"since":"7"})")->limit, kSyncLimitDefault);
}

TEST(BusEvents, KeepWhatAnEventFromElsewhereLacks) {
    const auto event = decode_notification_created(
        R"({"eventId":"6f9619ff-8b86-4d01-b42d-00cf4fc964ff","notificationId":"0190a5f4-7c3b-7def-8123-456789abcdef",)"
        R"("userId":"6f9619ff-8b86-4d01-b42d-00cf4fc964ff","type":"t","title":"x","createdAt":"2026-11-23T08:17:13Z"})");
    ASSERT_TRUE(event);
    EXPECT_FALSE(event->unread_count);
    EXPECT_FALSE(event->version);
    EXPECT_EQ(event->notification.version, 0U);
    NotificationCreated own{*base::EventId::parse(kIdText), sample(), 3, 42};
    const auto again = decode_notification_created(encode_bus_event(own));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->notification, own.notification);
    EXPECT_EQ(again->version, 42U);
}

std::string create_with_data(const std::string& data) {
    return std::string{R"({"userId":")"} + kUserText + R"(","type":"t","title":"x","data":)" + data + "}";
}

TEST(Data, IsKeptCompactWithTheDigitsAsWritten) {
    const auto request =
        decode_create_notification(create_with_data(R"( { "price" : 19.99, "z":[ 1.0 ], "a\/b":"\u00e9" } )"));
    ASSERT_TRUE(request);
    EXPECT_EQ(request->data_json, "{\"price\":19.99,\"z\":[1.0],\"a/b\":\"\xC3\xA9\"}");
}

TEST(Data, IsAtMostFourKilobytesWhenCompact) {
    const auto of_size = [](std::size_t size) { return R"({"a":")" + std::string(size - 8, 'x') + R"("})"; };
    EXPECT_TRUE(decode_create_notification(create_with_data(of_size(kDataBytesMax))));
    EXPECT_TRUE(decode_create_notification(create_with_data(std::string(9'000, ' ') + of_size(kDataBytesMax))));
    const auto refused = decode_create_notification(create_with_data(of_size(kDataBytesMax + 1)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().errors.front().path, "/data");
}

TEST(Data, RefusesWhatADatabaseOrAClientCannotHold) {
    for (const char* data : {R"({"a":{"b":"\u0000"}})", R"({"\u0000":1})", R"({"a":1e999})"}) {
        EXPECT_FALSE(decode_create_notification(create_with_data(data))) << data;
    }
    EXPECT_TRUE(decode_create_notification(create_with_data(R"({"a":"\\u0000"})")));
}

TEST(SafeLink, LeadsToHttpOrStaysOnTheHost) {
    for (const char* url : {"/", "/a/b?c=d#e", "a", "a/b:c", "?q=a:b", "#x", "./a:b", "../a", "http://h",
                            "https://h:1/p?q", "HTTPS://H", "/\xC3\xA9",
                            "https://b\xC3\xBC"
                            "cher.example/"}) {
        EXPECT_TRUE(is_safe_link(url)) << url;
    }
    for (const char* url : {"",
                            " ",
                            "javascript:alert(1)",
                            "JaVaScRiPt:alert(1)",
                            " javascript:alert(1)",
                            "java\tscript:alert(1)",
                            "java\nscript:x",
                            "data:text/html,x",
                            "vbscript:x",
                            "file:///etc/passwd",
                            "ftp://h/",
                            "mailto:a@b",
                            "//h",
                            "///h",
                            "/\\h",
                            "\\\\h",
                            "/a\\b",
                            "http:",
                            "http:/h",
                            "http:h",
                            "http://",
                            "https:///h",
                            "https://?q",
                            "https://#f",
                            "a:b",
                            ":",
                            "/a b",
                            "/a\x7F",
                            "/\x01",
                            "https://h/\r\n"}) {
        EXPECT_FALSE(is_safe_link(url)) << url;
    }
}

TEST(Refusals, NameEveryFieldThatIsWrong) {
    const auto request = decode_create_notification(R"({"userId":"x","title":"","data":{"url":"javascript:x"}})");
    ASSERT_FALSE(request);
    std::vector<std::string> paths;
    for (const auto& error : request.error().errors) paths.push_back(error.path);
    EXPECT_EQ(paths, (std::vector<std::string>{"/userId", "/type", "/title", "/data/url"}));
    EXPECT_NE(request.error().summary().find("/type: is required"), std::string::npos);

    const auto page = decode_notification_page(R"({"data":[7,{}],"nextCursor":null,"unreadCount":0,"version":"0"})");
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().errors.at(0), (FieldError{"/data/0", "must be an object"}));
    EXPECT_EQ(page.error().errors.at(1).path, "/data/1/userId");
}

TEST(Refusals, AreBounded) {
    std::string ids;
    for (int i = 0; i < 500; ++i) ids += ids.empty() ? "0" : ",0";
    const auto request = decode_unread_counts_request("{\"userIds\":[" + ids + "]}");
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().errors.size(), kFieldErrorsMax);
}

TEST(Bulk, JudgesEachItemByItself) {
    const std::string good = std::string{R"({"userId":")"} + kUserText + R"(","type":"t","title":"x"})";
    const auto request = decode_bulk_request("{\"notifications\":[" + good + ",{},7," + good + "]}");
    ASSERT_TRUE(request);
    ASSERT_EQ(request->items.size(), 4U);
    EXPECT_TRUE(request->items[0]);
    ASSERT_FALSE(request->items[1]);
    EXPECT_EQ(request->items[1].error().errors.front().path, "/userId");
    ASSERT_FALSE(request->items[2]);
    EXPECT_EQ(request->items[2].error().errors, (std::vector<FieldError>{{"", "must be an object"}}));
    EXPECT_TRUE(request->items[3]);
}

TEST(Bulk, TakesAThousandOfTheLargest) {
    CreateNotification largest;
    largest.user_id = *base::UserId::parse(kUserText);
    largest.type = std::string(kTypeCharsMax, 't');
    largest.title = std::string(kTitleCharsMax, '"');
    std::string body;
    for (std::size_t i = 0; i < kBodyCharsMax; ++i) body += "\xF0\x9F\x94\x94";
    largest.body = body;
    largest.data_json = R"({"a":")" + std::string(kDataBytesMax - 8, 'x') + R"("})";
    const std::vector<CreateNotification> notifications(kBulkItemsMax, largest);
    const auto request = decode_bulk_request(encode_bulk_request(notifications));
    ASSERT_TRUE(request);
    ASSERT_EQ(request->items.size(), kBulkItemsMax);
    EXPECT_EQ(*request->items.back(), largest);
}

TEST(Bulk, TakesNoMoreThanAThousand) {
    std::string items = "{}";
    for (std::size_t i = 1; i < kBulkItemsMax; ++i) items += ",{}";
    EXPECT_TRUE(decode_bulk_request("{\"notifications\":[" + items + "]}"));
    EXPECT_FALSE(decode_bulk_request("{\"notifications\":[" + items + ",{}]}"));
}

TEST(Problems, HaveTheFieldsOfRfc9457) {
    EXPECT_EQ(
        encode_problem(problem_not_found("no such notification")),
        R"({"type":"/problems/not_found","title":"Not found","status":404,"detail":"no such notification","code":"not_found"})");
    const auto invalid = to_problem(decode_read_all_request(R"({"before":7})").error());
    EXPECT_EQ(invalid.status, 422);
    EXPECT_EQ(invalid.code, "invalid_payload");
    ASSERT_EQ(invalid.errors.size(), 1U);
    EXPECT_EQ(*decode_problem(encode_problem(invalid)), invalid);
    const auto broken = to_problem(decode_read_all_request("{").error());
    EXPECT_EQ(broken.status, 400);
    EXPECT_EQ(broken.code, "invalid_json");
    EXPECT_TRUE(broken.errors.empty());
}

TEST(Problems, HaveOneStatusForEachCode) {
    const std::vector<std::pair<Problem, int>> cases{
        {problem_invalid_json("x"), 400},
        {problem_bad_request("x"), 400},
        {problem_unauthorized(), 401},
        {problem_token_expired(), 401},
        {problem_token_invalid(), 401},
        {problem_invalid_credentials(), 401},
        {problem_forbidden(), 403},
        {problem_not_found(), 404},
        {problem_method_not_allowed("GET"), 405},
        {problem_conflict("x", 1), 409},
        {problem_email_taken(), 409},
        {problem_payload_too_large(), 413},
        {problem_unsupported_media_type(), 415},
        {problem_invalid_payload({}, "x"), 422},
        {problem_idempotency_mismatch(), 422},
        {problem_rate_limited(1), 429},
        {problem_internal(), 500},
        {problem_unavailable(1), 503},
    };
    for (const auto& [problem, status] : cases) {
        EXPECT_EQ(problem.status, status) << problem.code;
        EXPECT_FALSE(problem.title.empty()) << problem.code;
    }
    EXPECT_EQ(problem_method_not_allowed("GET").allow, "GET");
    EXPECT_EQ(problem_unavailable(2).retry_after_s, 2);
}

TEST(ErrorCodes, RoundTrip) {
    for (int i = 0; i < 7; ++i) {
        const auto code = static_cast<AckErrorCode>(i);
        EXPECT_EQ(parse_ack_error_code(to_string(code)), code);
    }
    for (int i = 0; i < 5; ++i) {
        const auto code = static_cast<ConnectErrorCode>(i);
        EXPECT_EQ(parse_connect_error_code(to_string(code)), code);
    }
    EXPECT_FALSE(parse_ack_error_code("teapot"));
}

}  // namespace
}  // namespace carillon::contracts
