#include "store/sqlite/statements.hpp"

#include <gmock/gmock.h>

#include <regex>

#include "metrics/registry.hpp"
#include "store/sqlite/database.hpp"
#include "store/testing/temp_directory.hpp"

namespace carillon::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Statements : public ::testing::Test {
 protected:
    // What the planner would do, one step a line.
    std::string plan_of(std::string_view statement) {
        const std::string explain = "EXPLAIN QUERY PLAN " + std::string{statement};
        std::string plan;
        SqliteConnection connection{database_.file(), SqliteAccess::read_only};
        {
            SqliteQuery query{connection, explain};
            while (query.next()) plan += query.text(3) + "\n";
        }
        if (const auto failure = connection.take_failure()) ADD_FAILURE() << *failure << " in " << statement;
        return plan;
    }

    static SqliteOptions options_for(const testing::TempDirectory& directory) {
        SqliteOptions options;
        options.directory = directory.path();
        return options;
    }

    testing::TempDirectory directory_;
    metrics::Registry registry_;
    SqliteDatabase database_{options_for(directory_), registry_};
};

TEST_F(Statements, ScanNoTable) {
    for (const auto statement : sql::kHot) {
        const auto plan = plan_of(statement);
        // The count of changes goes over what its inner query found, and no further.
        const std::string rest = std::regex_replace(plan, std::regex{"SCAN \\(subquery-[0-9]+\\)"}, "");
        EXPECT_THAT(rest, Not(HasSubstr("SCAN"))) << statement;
        EXPECT_THAT(rest, Not(HasSubstr("TEMP B-TREE"))) << statement;
    }
}

TEST_F(Statements, WouldBeCaughtScanning) {
    EXPECT_THAT(plan_of("SELECT * FROM notifications WHERE title = 'x'"), HasSubstr("SCAN"));
}

TEST_F(Statements, UseTheIndexMadeForThem) {
    const struct {
        std::string_view statement;
        const char* index;
    } kCases[] = {
        {sql::kListUnread, "notifications_unread"},    {sql::kListRead, "notifications_read"},
        {sql::kListAll, "notifications_unread"},       {sql::kListAll, "notifications_read"},
        {sql::kChangedSince, "notifications_changed"}, {sql::kCountChangedSince, "notifications_changed"},
        {sql::kReadAll, "notifications_unread"},
    };
    for (const auto& one : kCases) EXPECT_THAT(plan_of(one.statement), HasSubstr(one.index)) << one.statement;
}

}  // namespace
}  // namespace carillon::store
