#include "store/postgres/statements.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <iostream>
#include <regex>
#include <set>

#include "store/postgres/blocking_connection.hpp"
#include "store/postgres/pgtest_fixture.hpp"
#include "store/postgres/testing/filled_inboxes.hpp"

// Every statement against the planner, in a database with a million notifications: none reads a big table through. The
// planner is the server's, so the run under a sanitizer has fewer.
namespace carillon::store::testing {
namespace {

using postgres::Statement;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kRows = 50'000;
#else
constexpr std::uint64_t kRows = 1'000'000;
#endif
constexpr std::size_t kUsers = 1'000;

// Those that read a whole table on purpose, and why they may.
const std::set<std::string> kRare{"erase_events", "pending_events_of", "erase_user"};

class Statements : public ::testing::Test {
 protected:
    static void SetUpTestSuite() {
        database() = std::make_unique<Database>();
        migrate_postgres(database()->options.url, std::chrono::seconds{10});
        std::vector<base::UserId> users;
        for (std::size_t i = 0; i < kUsers; ++i) users.push_back(new_user());
        fill_inboxes(postgres_server(), database()->name, users, kRows);
        // A backlog, accounts and keys, so that their tables are big as well.
        database()->sql(
            "INSERT INTO notification.outbox (instance, sequence, user_id, event_id, created_at, subject, payload,"
            " traceparent) SELECT md5((n % 5)::text)::uuid, n, md5(n::text)::uuid, md5(n::text)::uuid, now(), 's', "
            "'{}', ''"
            " FROM generate_series(1, 50000) n;"
            "INSERT INTO notification.consumed_events SELECT n::text, now() FROM generate_series(1, 50000) n;"
            "INSERT INTO notification.idempotency_keys (key, request, user_id, created_at, answer)"
            " SELECT sha256(n::text::bytea), '\\x00', md5((n % 1000)::text)::uuid, now(), '{}'"
            " FROM generate_series(1, 50000) n;"
            "INSERT INTO auth.users SELECT md5(n::text)::uuid, now(), 'user' || n || '@example.org', NULL, 'x'"
            " FROM generate_series(1, 50000) n;"
            "INSERT INTO auth.sessions SELECT md5(n::text)::uuid, md5((n % 5000)::text)::uuid, sha256(n::text::bytea), "
            "'',"
            " now() - n * interval '1 second', now() + n * interval '1 second' FROM generate_series(1, 50000) n;"
            "INSERT INTO auth.revocations SELECT md5(n::text)::uuid, md5((n % 5000)::text)::uuid, NULL, now(),"
            " now() - n * interval '1 second', now() + n * interval '1 second', sha256(n::text::bytea), '\\x00'"
            " FROM generate_series(1, 50000) n;"
            "INSERT INTO auth.outbox (instance, sequence, user_id, event_id, created_at, subject, payload, traceparent)"
            " SELECT md5((n % 5)::text)::uuid, n, md5(n::text)::uuid, md5(n::text)::uuid, now(), 's', '{}', ''"
            " FROM generate_series(1, 50000) n;"
            "ANALYZE");
    }
    static void TearDownTestSuite() { database().reset(); }
    static std::unique_ptr<Database>& database() {
        static std::unique_ptr<Database> one;
        return one;
    }

    // As the server runs it for any values: in a session like ours, or where the planner is free.
    enum class Planner { ours, free };
    static std::string plan_of(const std::string& schema, const char* sql, Planner planner) {
        auto target = postgres::ConnectionTarget::parse(database()->options.url);
        target.set_option("plan_cache_mode", "force_generic_plan");
        target.set_option("search_path", schema);
        if (planner == Planner::ours) target = target.for_schema(schema);
        std::string nulls;
        for (int i = 0, count = parameters_of(sql); i < count; ++i) nulls += i == 0 ? "(NULL" : ", NULL";
        if (!nulls.empty()) nulls += ")";
        postgres::BlockingConnection connection{target, std::chrono::seconds{5}};
        connection.run(std::string{"PREPARE s AS "} + sql);
        std::string plan;
        for (const auto& line : connection.column("EXPLAIN (COSTS off) EXECUTE s" + nulls)) plan += line + "\n";
        return plan;
    }
    static int parameters_of(const std::string& sql) {
        int highest = 0;
        const std::regex parameter{"\\$([0-9]+)"};
        for (std::sregex_iterator found{sql.begin(), sql.end(), parameter}, end; found != end; ++found) {
            highest = std::max(highest, std::stoi((*found)[1]));
        }
        return highest;
    }
    static bool is_planned(const std::string& sql) {
        for (const char* word : {"BEGIN", "COMMIT", "ROLLBACK", "SET "}) {
            if (sql.starts_with(word)) return false;
        }
        return true;
    }
    static void expect_indexes(const std::string& schema, const std::vector<const Statement*>& statements) {
        for (const auto* statement : statements) {
            if (!is_planned(statement->sql)) continue;
            const auto plan = plan_of(schema, statement->sql, Planner::ours);
            std::cout << "--- " << schema << ": " << statement->name << "\n" << plan;
            if (kRare.contains(statement->name)) continue;
            EXPECT_THAT(plan, Not(HasSubstr("Seq Scan"))) << statement->name << "\n" << plan;
            EXPECT_THAT(plan, Not(HasSubstr("hashed SubPlan"))) << statement->name << "\n" << plan;
            EXPECT_THAT(plan, Not(HasSubstr("Hash Join"))) << statement->name << "\n" << plan;
            // The big table's indexes must win by themselves, too.
            EXPECT_THAT(plan_of(schema, statement->sql, Planner::free), Not(HasSubstr("Seq Scan on notifications")))
                << statement->name;
        }
    }
};

TEST_F(Statements, ReadNoBigTableThrough) {
    expect_indexes("notification", postgres::sql::inbox_writes());
    expect_indexes("notification", postgres::sql::inbox_reads());
    expect_indexes("auth", postgres::sql::user_writes());
    expect_indexes("auth", postgres::sql::user_reads());
}

TEST_F(Statements, WouldBeCaughtReadingOneThrough) {
    const char* const by_title = "SELECT * FROM notifications WHERE title = $1";
    EXPECT_THAT(plan_of("notification", by_title, Planner::ours), HasSubstr("Seq Scan on notifications"));
    EXPECT_THAT(plan_of("notification", by_title, Planner::free), HasSubstr("Seq Scan on notifications"));
}

TEST_F(Statements, UseTheIndexMadeForThem) {
    const struct {
        const Statement& statement;
        const char* index;
    } kCases[] = {
        {postgres::sql::kListUnread, "notifications_unread"},    {postgres::sql::kListRead, "notifications_read"},
        {postgres::sql::kListAll, "notifications_unread"},       {postgres::sql::kListAll, "notifications_read"},
        {postgres::sql::kChangedSince, "notifications_changed"}, {postgres::sql::kReadAll, "notifications_unread"},
        {postgres::sql::kUnreadRows, "notifications_unread"},    {postgres::sql::kMarkRead, "notifications_pkey"},
    };
    for (const auto& [statement, index] : kCases) {
        EXPECT_THAT(plan_of("notification", statement.sql, Planner::ours), HasSubstr(index)) << statement.name;
    }
}

}  // namespace
}  // namespace carillon::store::testing
