#include "store/sqlite/schema.hpp"

#include <gmock/gmock.h>

#include "store/open_error.hpp"
#include "store/testing/temp_directory.hpp"

namespace carillon::store {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::vector<Migration> kFirst{{1, "first", "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)"}};
const std::vector<Migration> kBoth{kFirst[0], {2, "second", "ALTER TABLE a ADD COLUMN y INTEGER"}};
const std::vector<Migration> kBroken{kFirst[0],
                                     {2, "broken", "CREATE TABLE b (x INTEGER); CREATE TABLE b (x INTEGER)"}};

class Schema : public ::testing::Test {
 protected:
    std::vector<AppliedMigration> prepare(const std::vector<Migration>& migrations) {
        return prepare_schema(connection_, file_, SchemaPolicy::migrate, migrations);
    }
    std::int64_t integer(std::string_view sql) {
        SqliteQuery query{connection_, sql};
        return query.next() ? query.integer(0) : -1;
    }

    testing::TempDirectory directory_;
    std::filesystem::path file_ = directory_.path() / "test.db";
    SqliteConnection connection_{file_, SqliteAccess::read_write};
};

TEST_F(Schema, AppliesOnlyWhatIsMissing) {
    EXPECT_THAT(prepare(kFirst), SizeIs(1));
    const auto second = prepare(kBoth);
    ASSERT_THAT(second, SizeIs(1));
    EXPECT_EQ(second[0].number, 2);
    EXPECT_EQ(second[0].name, "second");
    EXPECT_EQ(integer("PRAGMA user_version"), 2);
    EXPECT_EQ(integer("SELECT count(*) FROM schema_migrations"), 2);
    EXPECT_EQ(integer("SELECT count(*) FROM a WHERE y IS NULL"), 1);
}

TEST_F(Schema, LeavesNothingOfAStepThatFails) {
    try {
        prepare(kBroken);
        FAIL() << "it was applied";
    } catch (const OpenError& error) {
        EXPECT_THAT(error.what(), HasSubstr("step 2 broken"));
    }
    EXPECT_EQ(integer("PRAGMA user_version"), 1) << "the step before it stays";
    EXPECT_EQ(integer("SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 0);
    EXPECT_THAT(prepare(kBoth), SizeIs(1)) << "and a good one can follow";
}

TEST_F(Schema, EmbeddedStepsAreNumberedFromOne) {
    int expected = 0;
    for (const auto& migration : sqlite_migrations()) EXPECT_EQ(migration.number, ++expected);
    EXPECT_GE(expected, 1);
}

}  // namespace
}  // namespace carillon::store
