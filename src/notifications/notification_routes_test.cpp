#include "notifications/notification_routes.hpp"

#include <gtest/gtest.h>

#include "notifications/service_under_test.hpp"

namespace carillon::notifications {
namespace {

using http::Method;

constexpr const char* kUnknown = "01a20798-24d4-7004-af5b-59acc3dc1aa2";

/// The routes as a caller with an internal token sees them.
class NotificationRoutes : public ::testing::Test {
 protected:
    NotificationRoutes() { add_notification_routes(router_, under_test.service); }

    http::Response send(http::Request request) {
        if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
        return under_test.run(router_.handle(request));
    }
    http::Response get(std::string path, std::string query = {}) {
        return send(signed_request(Method::get, std::move(path), std::move(query), {}));
    }
    http::Response post(std::string path, std::string body) {
        return send(signed_request(Method::post, std::move(path), {}, std::move(body)));
    }
    http::Request signed_request(Method method, std::string path, std::string query, std::string body) {
        http::Request request;
        request.method = method;
        request.path = std::move(path);
        request.query = std::move(query);
        request.body = std::move(body);
        request.headers.set("Authorization", "Bearer " + tokens_.sign("gateway", under_test.clock.now()));
        return request;
    }
    std::string for_user(base::UserId user, const std::string& more = {}) const {
        return "userId=" + user.to_string() + more;
    }
    std::string user_body(base::UserId user) const { return R"({"userId":")" + user.to_string() + "\"}"; }
    std::string create_body(base::UserId user, const std::string& title = "A title") const {
        return contracts::encode_create_notification(wanted(user, title));
    }
    void expect_problem(const http::Response& response, int status, const std::string& code) {
        EXPECT_EQ(response.status, status) << response.body;
        EXPECT_EQ(response.headers.get("Content-Type"), contracts::kProblemContentType);
        const auto problem = contracts::decode_problem(response.body);
        ASSERT_TRUE(problem) << response.body;
        EXPECT_EQ(problem->code, code);
    }

    ServiceUnderTest under_test;
    token::InternalTokens tokens_{"an internal secret with thirty-two bytes or more"};
    http::Router router_{under_test.clock, under_test.metrics, {nullptr, &tokens_}, "notifications"};
};

TEST_F(NotificationRoutes, EveryOneNeedsAnInternalToken) {
    const std::vector<std::pair<Method, std::string>> routes{
        {Method::post, "/notification"},
        {Method::post, "/notification/bulk"},
        {Method::get, "/notification"},
        {Method::get, "/notification/unread-count"},
        {Method::post, "/notification/unread-counts"},
        {Method::get, "/notification/sync"},
        {Method::post, std::string{"/notification/"} + kUnknown + "/read"},
        {Method::get, std::string{"/notification/"} + kUnknown},
        {Method::post, "/notification/read-all"},
    };
    const token::UserTokenSigner users{"a user secret with at least thirty-two bytes", "carillon", "carillon"};
    const auto user_token = users.sign(kAlice, {"admin"}, std::chrono::hours{1}, under_test.clock.now());
    for (const auto& [method, path] : routes) {
        http::Request request;
        request.method = method;
        request.path = path;
        EXPECT_EQ(send(request).status, 401) << path;
        request.headers.set("Authorization", "Bearer " + user_token);
        EXPECT_EQ(send(request).status, 401) << path;
    }
}

TEST_F(NotificationRoutes, CreateAnswers201WithLocation) {
    const auto response = post("/notification", create_body(kAlice));
    ASSERT_EQ(response.status, 201) << response.body;
    const auto created = contracts::decode_notification(response.body);
    ASSERT_TRUE(created);
    EXPECT_EQ(created->user_id, kAlice);
    EXPECT_EQ(created->title, "A title");
    EXPECT_EQ(created->data_json, R"({"url":"/orders/7"})");
    const std::string location{response.headers.get("Location")};
    EXPECT_EQ(location, "/notification/" + created->id.to_string());
    EXPECT_EQ(get(location, for_user(kAlice)).body, response.body);
    expect_problem(get(location, for_user(kBob)), 404, "not_found");
}

TEST_F(NotificationRoutes, CreateTellsBrokenJsonFromABrokenContract) {
    expect_problem(post("/notification", "{\"userId\":"), 400, "invalid_json");
    const auto response = post("/notification", R"({"userId":"no","type":"t","title":""})");
    expect_problem(response, 422, "invalid_payload");
    const auto errors = contracts::decode_problem(response.body)->errors;
    ASSERT_EQ(errors.size(), 2u);
    EXPECT_EQ(errors[0].path, "/userId");
    EXPECT_EQ(errors[1].path, "/title");
    EXPECT_EQ(under_test.count(kAlice).count, 0u);
}

TEST_F(NotificationRoutes, BulkAnswersForEachItem) {
    const auto response = post("/notification/bulk", R"({"notifications":[)" + create_body(kAlice, "1") +
                                                         R"(,{"type":"t"},)" + create_body(kBob, "2") + "]}");
    ASSERT_EQ(response.status, 200) << response.body;
    const auto answer = contracts::decode_bulk_answer(response.body);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->results.size(), 3u);
    EXPECT_EQ(answer->results[0].status, 201);
    EXPECT_EQ(answer->results[0].notification->title, "1");
    EXPECT_EQ(answer->results[1].status, 422);
    EXPECT_FALSE(answer->results[1].problem->errors.empty());
    EXPECT_EQ(answer->results[2].notification->user_id, kBob);
    EXPECT_EQ(under_test.count(kBob).count, 1u);
}

TEST_F(NotificationRoutes, BulkTakesAThousandAndNoMore) {
    std::string items = create_body(kAlice);
    for (int i = 1; i < 1'000; ++i) items += "," + create_body(kAlice);
    const auto full = post("/notification/bulk", R"({"notifications":[)" + items + "]}");
    ASSERT_EQ(full.status, 200) << full.body;
    EXPECT_EQ(contracts::decode_bulk_answer(full.body)->results.size(), 1'000u);
    EXPECT_EQ(under_test.count(kAlice).count, 1'000u);
    expect_problem(post("/notification/bulk", R"({"notifications":[)" + items + "," + create_body(kAlice) + "]}"), 422,
                   "invalid_payload");
    EXPECT_EQ(under_test.count(kAlice).count, 1'000u);
}

TEST_F(NotificationRoutes, AKeyMakesAChangeRepeatable) {
    const auto with_key = [this](std::string path, std::string body, std::string key) {
        auto request = signed_request(Method::post, std::move(path), {}, std::move(body));
        request.headers.set("Idempotency-Key", std::move(key));
        return send(std::move(request));
    };
    const auto twice = [&](const std::string& path, const std::string& body) {
        const auto first = with_key(path, body, "k");
        const auto again = with_key(path, body, "k");
        EXPECT_EQ(again.status, first.status) << path;
        EXPECT_EQ(again.body, first.body) << path;
        EXPECT_EQ(again.headers.get("Location"), first.headers.get("Location")) << path;
        EXPECT_FALSE(first.headers.has("Idempotency-Replayed")) << path;
        EXPECT_EQ(again.headers.get("Idempotency-Replayed"), "true") << path;
        return first;
    };
    const auto created = contracts::decode_notification(twice("/notification", create_body(kAlice)).body);
    twice("/notification/bulk", R"({"notifications":[)" + create_body(kAlice) + R"(,{"type":"t"}]})");
    twice("/notification/" + created->id.to_string() + "/read", user_body(kAlice));
    twice("/notification/read-all", user_body(kAlice));
    EXPECT_EQ(under_test.count(kAlice).version, 4u);
    expect_problem(with_key("/notification", create_body(kAlice, "another"), "k"), 422, "idempotency_mismatch");
    expect_problem(with_key("/notification", create_body(kAlice), "two words"), 400, "bad_request");
    EXPECT_EQ(under_test.count(kAlice).version, 4u);
}

TEST_F(NotificationRoutes, AKeyBelongsToTheUserAServiceCallsFor) {
    const auto create_for = [this](std::string user) {
        auto request = signed_request(Method::post, "/notification", {}, create_body(kAlice));
        request.headers.set("Idempotency-Key", "k");
        if (!user.empty()) request.headers.set("Carillon-On-Behalf-Of", std::move(user));
        return send(std::move(request));
    };
    EXPECT_FALSE(create_for(kAlice.to_string()).headers.has("Idempotency-Replayed"));
    EXPECT_FALSE(create_for(kBob.to_string()).headers.has("Idempotency-Replayed"));
    EXPECT_FALSE(create_for("").headers.has("Idempotency-Replayed"));
    EXPECT_TRUE(create_for(kAlice.to_string()).headers.has("Idempotency-Replayed"));
    expect_problem(create_for("nobody"), 400, "bad_request");
}

TEST_F(NotificationRoutes, ListGoesFromPageToPage) {
    for (int i = 1; i <= 3; ++i) under_test.create(kAlice, std::to_string(i));
    const auto first = contracts::decode_notification_page(get("/notification", for_user(kAlice, "&limit=2")).body);
    ASSERT_TRUE(first);
    ASSERT_EQ(first->data.size(), 2u);
    EXPECT_EQ(first->data[0].title, "3");
    EXPECT_EQ(first->unread_count, 3u);
    ASSERT_TRUE(first->next_cursor);
    const auto second = contracts::decode_notification_page(
        get("/notification", for_user(kAlice, "&limit=2&status=all&cursor=" + *first->next_cursor)).body);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->data.at(0).title, "1");
    EXPECT_FALSE(second->next_cursor);
}

TEST_F(NotificationRoutes, BadQueriesAre400AndAnIdThatIsNoUuidIs404) {
    for (const auto* more : {"&limit=0", "&limit=101", "&limit=-1", "&limit=ten", "&limit=5x",
                             "&limit=", "&cursor=nope", "&cursor=", "&status=new", "&status="}) {
        expect_problem(get("/notification", for_user(kAlice, more)), 400, "bad_request");
    }
    for (const auto* more : {"", "&since=", "&since=-1", "&since=x", "&since=0&limit=501", "&since=0&limit=0"}) {
        expect_problem(get("/notification/sync", for_user(kAlice, more)), 400, "bad_request");
    }
    for (const auto* path : {"/notification", "/notification/unread-count", "/notification/sync"}) {
        expect_problem(get(path), 400, "bad_request");
        expect_problem(get(path, "userId=42"), 404, "not_found");
    }
    expect_problem(post("/notification/42/read", user_body(kAlice)), 404, "not_found");
    expect_problem(get("/notification/42", for_user(kAlice)), 404, "not_found");
}

TEST_F(NotificationRoutes, CountsOneAndMany) {
    under_test.create(kAlice);
    const auto one = contracts::decode_unread_count(get("/notification/unread-count", for_user(kAlice)).body);
    ASSERT_TRUE(one);
    EXPECT_EQ(*one, (contracts::UnreadCount{1, 1}));
    const auto response = post("/notification/unread-counts",
                               R"({"userIds":[")" + kBob.to_string() + R"(",")" + kAlice.to_string() + "\"]}");
    const auto many = contracts::decode_unread_counts_answer(response.body);
    ASSERT_TRUE(many) << response.body;
    ASSERT_EQ(many->counts.size(), 2u);
    EXPECT_EQ(many->counts[0], (contracts::UserUnreadCount{kBob, 0, 0}));
    EXPECT_EQ(many->counts[1], (contracts::UserUnreadCount{kAlice, 1, 1}));
    expect_problem(post("/notification/unread-counts", R"({"userIds":"all"})"), 422, "invalid_payload");
}

TEST_F(NotificationRoutes, SyncAnswersWhatChanged) {
    under_test.create(kAlice, "1");
    under_test.create(kAlice, "2");
    const auto answer =
        contracts::decode_sync_answer(get("/notification/sync", for_user(kAlice, "&since=1&limit=10")).body);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->version, 2u);
    ASSERT_EQ(answer->notifications.size(), 1u);
    EXPECT_EQ(answer->notifications[0].title, "2");
}

TEST_F(NotificationRoutes, MarksOneAsRead) {
    const auto created = under_test.create(kAlice);
    const auto path = "/notification/" + created.id.to_string() + "/read";
    const auto first = post(path, user_body(kAlice));
    ASSERT_EQ(first.status, 200) << first.body;
    const auto answer = contracts::decode_mark_read_answer(first.body);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->notification_id, created.id);
    EXPECT_EQ(answer->unread_count, 0u);
    EXPECT_EQ(post(path, user_body(kAlice)).body, first.body);
    expect_problem(post(path, user_body(kBob)), 404, "not_found");
    expect_problem(post(path, "{}"), 422, "invalid_payload");
    expect_problem(post(std::string{"/notification/"} + kUnknown + "/read", user_body(kAlice)), 404, "not_found");
}

TEST_F(NotificationRoutes, ReadsAll) {
    for (int i = 0; i < 3; ++i) under_test.create(kAlice);
    const auto some = contracts::decode_read_all_answer(
        post("/notification/read-all", R"({"userId":")" + kAlice.to_string() + R"(","before":"2"})").body);
    ASSERT_TRUE(some);
    EXPECT_EQ(*some, (contracts::ReadAllAnswer{2, 1, 4}));
    const auto rest = contracts::decode_read_all_answer(post("/notification/read-all", user_body(kAlice)).body);
    EXPECT_EQ(*rest, (contracts::ReadAllAnswer{1, 0, 5}));
}

TEST_F(NotificationRoutes, AStoreThatIsAwayIs503WithRetryAfter) {
    under_test.lose_store();
    const auto response = post("/notification", create_body(kAlice));
    expect_problem(response, 503, "unavailable");
    EXPECT_FALSE(response.headers.get("Retry-After").empty());
    expect_problem(get("/notification/unread-count", for_user(kAlice)), 503, "unavailable");
}

}  // namespace
}  // namespace carillon::notifications
