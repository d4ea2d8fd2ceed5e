#include "notifications/notification_service.hpp"

#include <gtest/gtest.h>

#include "notifications/service_under_test.hpp"

namespace carillon::notifications {
namespace {

using namespace std::chrono_literals;

class NotificationServiceTest : public ::testing::Test {
 protected:
    ListRequest request(std::uint32_t limit, std::string cursor = {}, std::string status = {}) const {
        return {kAlice, limit, std::move(cursor), std::move(status)};
    }
    double created_total() { return under_test.metrics.counter("notifications_created_total", "").value(); }

    ServiceUnderTest under_test;
    NotificationService& service = under_test.service;
};

TEST_F(NotificationServiceTest, CreatesWithTheTimeOfItsClock) {
    const auto answered = under_test.run(service.create(wanted(kAlice), {}));
    ASSERT_TRUE(answered);
    const auto& created = answered->value;
    EXPECT_EQ(created.user_id, kAlice);
    EXPECT_EQ(created.type, "test");
    EXPECT_EQ(created.title, "A title");
    EXPECT_EQ(created.body, "A body");
    EXPECT_EQ(created.data_json, R"({"url":"/orders/7"})");
    EXPECT_EQ(created.created_at, under_test.clock.now());
    EXPECT_FALSE(created.read_at);
    EXPECT_EQ(created.version, 1u);
    EXPECT_EQ(created_total(), 1);
    EXPECT_EQ(*under_test.run(service.find(kAlice, created.id)), created);
}

TEST_F(NotificationServiceTest, CreatesManyInOrder) {
    contracts::BulkRequest many;
    for (int i = 0; i < 10; ++i) many.items.emplace_back(wanted(i % 2 == 0 ? kAlice : kBob, std::to_string(i)));
    const auto answered = under_test.run(service.create_bulk(many, {}));
    ASSERT_TRUE(answered);
    const auto& results = answered->value.results;
    ASSERT_EQ(results.size(), 10u);
    for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_EQ(results[i].status, 201);
        EXPECT_EQ(results[i].notification->title, std::to_string(i));
    }
    EXPECT_EQ(under_test.count(kAlice).count, 5u);
    EXPECT_EQ(under_test.count(kBob).version, 5u);
    EXPECT_EQ(created_total(), 10);
}

TEST_F(NotificationServiceTest, ListsPagesNewestFirstUntilTheCursorIsNull) {
    for (int i = 1; i <= 7; ++i) under_test.create(kAlice, std::to_string(i));
    under_test.create(kBob);
    std::vector<std::string> titles;
    std::string cursor;
    int pages = 0;
    do {
        const auto page = under_test.run(service.list(request(3, cursor)));
        ASSERT_TRUE(page);
        EXPECT_EQ(page->unread_count, 7u);
        EXPECT_EQ(page->version, 7u);
        for (const auto& notification : page->data) titles.push_back(notification.title);
        cursor = page->next_cursor.value_or("");
        ++pages;
    } while (!cursor.empty());
    EXPECT_EQ(titles, (std::vector<std::string>{"7", "6", "5", "4", "3", "2", "1"}));
    EXPECT_EQ(pages, 3);
}

TEST_F(NotificationServiceTest, ListsByStatus) {
    const auto first = under_test.create(kAlice, "read");
    under_test.create(kAlice, "unread");
    ASSERT_TRUE(under_test.run(service.mark_read(kAlice, first.id, {})));
    const auto unread = under_test.run(service.list(request(10, {}, "unread")));
    const auto read = under_test.run(service.list(request(10, {}, "read")));
    const auto all = under_test.run(service.list(request(10, {}, "all")));
    ASSERT_EQ(unread->data.size(), 1u);
    EXPECT_EQ(unread->data[0].title, "unread");
    ASSERT_EQ(read->data.size(), 1u);
    EXPECT_EQ(read->data[0].title, "read");
    EXPECT_EQ(all->data.size(), 2u);
}

TEST_F(NotificationServiceTest, RefusesBadListRequests) {
    for (int i = 0; i < 3; ++i) under_test.create(kAlice);
    const auto cursor = under_test.run(service.list(request(1)))->next_cursor.value();
    ASSERT_TRUE(under_test.run(service.list(request(1, cursor))));
    const std::vector<ListRequest> bad{request(0),
                                       request(101),
                                       request(20, "garbage"),
                                       request(20, cursor + "A"),
                                       request(20, {}, "UNREAD"),
                                       request(20, {}, "new"),
                                       request(20, cursor, "unread"),
                                       ListRequest{kBob, 20, cursor, {}}};
    for (const auto& request : bad) {
        const auto page = under_test.run(service.list(request));
        ASSERT_FALSE(page);
        EXPECT_EQ(page.error().status, 400);
        EXPECT_EQ(page.error().code, "bad_request");
        EXPECT_FALSE(page.error().detail.empty());
    }
}

TEST_F(NotificationServiceTest, MarkingTwiceGivesTheSameAnswer) {
    const auto created = under_test.create(kAlice);
    under_test.create(kAlice);
    under_test.clock.advance(5s);
    const auto first = under_test.run(service.mark_read(kAlice, created.id, {}));
    ASSERT_TRUE(first);
    EXPECT_EQ(first->value.notification_id, created.id);
    EXPECT_EQ(first->value.read_at, under_test.clock.now());
    EXPECT_EQ(first->value.unread_count, 1u);
    EXPECT_EQ(first->value.version, 3u);
    under_test.clock.advance(5s);
    EXPECT_EQ(under_test.run(service.mark_read(kAlice, created.id, {}))->value, first->value);
}

TEST_F(NotificationServiceTest, AnotherUsersNotificationIsNotFound) {
    const auto created = under_test.create(kAlice);
    const auto marked = under_test.run(service.mark_read(kBob, created.id, {}));
    const auto found = under_test.run(service.find(kBob, created.id));
    ASSERT_FALSE(marked);
    ASSERT_FALSE(found);
    EXPECT_EQ(marked.error().status, 404);
    EXPECT_EQ(marked.error().code, "not_found");
    EXPECT_EQ(found.error().status, 404);
    EXPECT_EQ(under_test.count(kAlice).count, 1u);
}

TEST_F(NotificationServiceTest, ReadsAllUpToAVersion) {
    for (int i = 0; i < 5; ++i) under_test.create(kAlice);
    const auto some = under_test.run(service.read_all(kAlice, base::Version{3}, {}));
    ASSERT_TRUE(some);
    EXPECT_EQ(some->value.updated, 3u);
    EXPECT_EQ(some->value.unread_count, 2u);
    EXPECT_EQ(some->value.version, 6u);
    const auto rest = under_test.run(service.read_all(kAlice, std::nullopt, {}));
    EXPECT_EQ(rest->value.updated, 2u);
    EXPECT_EQ(rest->value.unread_count, 0u);
    const auto nothing = under_test.run(service.read_all(kAlice, std::nullopt, {}));
    EXPECT_EQ(nothing->value.updated, 0u);
    EXPECT_EQ(nothing->value.version, rest->value.version);
}

TEST_F(NotificationServiceTest, CountsInTheOrderAsked) {
    under_test.create(kBob);
    const auto counts = under_test.run(service.counts({kAlice, kBob, kAlice}));
    ASSERT_TRUE(counts);
    ASSERT_EQ(counts->size(), 3u);
    EXPECT_EQ((*counts)[0], (contracts::UserUnreadCount{kAlice, 0, 0}));
    EXPECT_EQ((*counts)[1], (contracts::UserUnreadCount{kBob, 1, 1}));
    EXPECT_EQ((*counts)[2].user_id, kAlice);
}

TEST_F(NotificationServiceTest, SyncsWhatChangedSinceAVersion) {
    const auto first = under_test.create(kAlice, "1");
    under_test.create(kAlice, "2");
    ASSERT_TRUE(under_test.run(service.mark_read(kAlice, first.id, {})));
    const auto answer = under_test.run(service.sync(kAlice, 1, 100));
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->reset);
    EXPECT_EQ(answer->version, 3u);
    EXPECT_EQ(answer->unread_count, 1u);
    EXPECT_FALSE(answer->has_more);
    ASSERT_EQ(answer->notifications.size(), 2u);
    EXPECT_EQ(answer->notifications[0].title, "2");
    EXPECT_EQ(answer->notifications[1].title, "1");
    EXPECT_TRUE(answer->notifications[1].read_at);
    EXPECT_TRUE(under_test.run(service.sync(kAlice, 99, 100))->reset) << "a version that is yet to come";
    for (const std::uint32_t limit : {0u, 501u}) {
        EXPECT_EQ(under_test.run(service.sync(kAlice, 1, limit)).error().status, 400);
    }
}

TEST_F(NotificationServiceTest, AppliesAConsumedEventOnce) {
    const auto first = under_test.run(service.create_once(wanted(kAlice), "key", {}));
    const auto second = under_test.run(service.create_once(wanted(kAlice), "key", {}));
    EXPECT_TRUE(first);
    EXPECT_EQ(second.error(), store::errc::already_applied);
    EXPECT_EQ(under_test.count(kAlice).count, 1u);
    EXPECT_EQ(created_total(), 1);
}

// --- Idempotency keys

namespace {

CallContext with_key(std::string key, std::optional<base::UserId> user = kAlice) {
    return {{}, {"gateway", user}, std::move(key)};
}

}  // namespace

TEST_F(NotificationServiceTest, CreatesOncePerKeyCallerAndOperation) {
    const auto first = under_test.run(service.create(wanted(kBob), with_key("k")));
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->replayed);
    under_test.clock.advance(5s);
    const auto again = under_test.run(service.create(wanted(kBob), with_key("k")));
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(again->value, first->value);
    EXPECT_EQ(created_total(), 1);

    EXPECT_FALSE(under_test.run(service.create(wanted(kBob), with_key("other")))->replayed);
    EXPECT_FALSE(under_test.run(service.create(wanted(kBob), with_key("k", kBob)))->replayed);
    EXPECT_FALSE(under_test.run(service.create(wanted(kBob), with_key("k", std::nullopt)))->replayed);
    contracts::BulkRequest bulk;
    bulk.items.emplace_back(wanted(kBob));
    EXPECT_FALSE(under_test.run(service.create_bulk(bulk, with_key("k")))->replayed);
    EXPECT_EQ(under_test.count(kBob).count, 5u);
}

TEST_F(NotificationServiceTest, AKeyIsForOneRequest) {
    ASSERT_TRUE(under_test.run(service.create(wanted(kAlice), with_key("k"))));
    const auto other = under_test.run(service.create(wanted(kAlice, "another title"), with_key("k")));
    EXPECT_EQ(other.error().status, 422);
    EXPECT_EQ(other.error().code, "idempotency_mismatch");
    const auto read = under_test.create(kAlice);
    ASSERT_TRUE(under_test.run(service.mark_read(kAlice, read.id, with_key("r"))));
    const auto unread = under_test.create(kAlice);
    EXPECT_EQ(under_test.run(service.mark_read(kAlice, unread.id, with_key("r"))).error().status, 422);
    ASSERT_TRUE(under_test.run(service.read_all(kAlice, base::Version{1}, with_key("a"))));
    EXPECT_EQ(under_test.run(service.read_all(kAlice, std::nullopt, with_key("a"))).error().status, 422);
    EXPECT_EQ(under_test.count(kAlice).count, 1u);
}

TEST_F(NotificationServiceTest, AnswersABulkAgainWithItsRefusals) {
    contracts::BulkRequest bulk;
    bulk.items.emplace_back(wanted(kAlice, "1"));
    bulk.items.emplace_back(contracts::Invalid{contracts::Invalid::Kind::breaks_contract, {{"/title", "is missing"}}});
    bulk.items.emplace_back(wanted(kBob, "3"));
    const auto first = under_test.run(service.create_bulk(bulk, with_key("k")));
    const auto again = under_test.run(service.create_bulk(bulk, with_key("k")));
    ASSERT_TRUE(first);
    ASSERT_TRUE(again);
    EXPECT_FALSE(first->replayed);
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(contracts::encode_bulk_answer(again->value), contracts::encode_bulk_answer(first->value));
    EXPECT_EQ(again->value.results.at(1).status, 422);
    EXPECT_EQ(under_test.count(kBob).count, 1u);
    EXPECT_EQ(created_total(), 2);
    bulk.items.pop_back();
    EXPECT_EQ(under_test.run(service.create_bulk(bulk, with_key("k"))).error().status, 422);
}

TEST_F(NotificationServiceTest, AnswersChangesAgainAsTheyWereAnswered) {
    const auto created = under_test.create(kAlice);
    const auto read = under_test.run(service.mark_read(kAlice, created.id, with_key("k")));
    under_test.create(kAlice);
    const auto all = under_test.run(service.read_all(kAlice, std::nullopt, with_key("k")));
    under_test.create(kAlice);
    under_test.clock.advance(5s);
    const auto read_again = under_test.run(service.mark_read(kAlice, created.id, with_key("k")));
    const auto all_again = under_test.run(service.read_all(kAlice, std::nullopt, with_key("k")));
    EXPECT_TRUE(read_again->replayed);
    EXPECT_EQ(read_again->value, read->value);
    EXPECT_TRUE(all_again->replayed);
    EXPECT_EQ(all_again->value, all->value);
    EXPECT_EQ(under_test.count(kAlice).count, 1u);
}

TEST_F(NotificationServiceTest, AnswersNotFoundAgain) {
    const auto unknown = base::NotificationId{base::Uuid::generate_v7(under_test.clock.now())};
    const auto first = under_test.run(service.mark_read(kAlice, unknown, with_key("k")));
    const auto again = under_test.run(service.mark_read(kAlice, unknown, with_key("k")));
    EXPECT_EQ(first.error().status, 404);
    EXPECT_FALSE(first.error().replayed);
    EXPECT_EQ(again.error().status, 404);
    EXPECT_TRUE(again.error().replayed);
}

TEST_F(NotificationServiceTest, SaysWhenToComeBackWhenTheStoreIsAway) {
    const auto created = under_test.create(kAlice);
    EXPECT_TRUE(under_test.run(service.ready()));
    under_test.lose_store();
    EXPECT_FALSE(under_test.run(service.ready()));
    std::vector<contracts::Problem> problems{
        under_test.run(service.create(wanted(kAlice), {})).error(),
        under_test.run(service.list(request(20))).error(),
        under_test.run(service.find(kAlice, created.id)).error(),
        under_test.run(service.counts({kAlice})).error(),
        under_test.run(service.sync(kAlice, 0, 100)).error(),
        under_test.run(service.mark_read(kAlice, created.id, {})).error(),
        under_test.run(service.read_all(kAlice, std::nullopt, {})).error(),
    };
    for (const auto& problem : problems) {
        EXPECT_EQ(problem.status, 503);
        EXPECT_EQ(problem.code, "unavailable");
        EXPECT_GT(problem.retry_after_s.value_or(0), 0);
    }
    EXPECT_EQ(created_total(), 1);
}

}  // namespace
}  // namespace carillon::notifications
