#include "store/postgres/schema.hpp"

#include <gmock/gmock.h>

#include <numeric>
#include <thread>

#include "store/open_error.hpp"
#include "store/postgres/pgtest_fixture.hpp"

// What opening does about the schema, and what it says when it must refuse: one line that the operator can act on.
namespace carillon::store::testing {
namespace {

using namespace std::chrono_literals;
using postgres::BinaryVersion;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const Migration kFirstStep{1, "first", "-- oldest-binary: 0.1.0\nCREATE TABLE a (x int); INSERT INTO a VALUES (1)"};
const Migration kSecondStep{2, "second", "-- oldest-binary: 0.1.0\nALTER TABLE a ADD COLUMN y int"};
const Migration kBreakingStep{2, "breaking", "-- oldest-binary: 0.3.0\nALTER TABLE a RENAME COLUMN x TO z"};
const Migration kFailingStep{2, "failing",
                             "-- oldest-binary: 0.1.0\nCREATE TABLE b (x int); SELECT 1 / 0; CREATE TABLE c ()"};

class Schema : public ::testing::Test {
 protected:
    std::vector<AppliedMigration> prepare(const std::vector<Migration>& migrations, BinaryVersion binary = {0, 2, 0},
                                          SchemaPolicy policy = SchemaPolicy::migrate) {
        return postgres::prepare_schema(postgres::ConnectionTarget::parse(database_.options.url), "things", policy, 5s,
                                        migrations, binary);
    }
    template <class Work>
    static std::string refusal(Work work) {
        try {
            work();
            ADD_FAILURE() << "it was not refused";
            return {};
        } catch (const OpenError& error) {
            EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
            return error.what();
        }
    }
    static std::string open_refusal(const std::string& url, std::chrono::milliseconds start_wait = 0ms) {
        auto options = options_for(url);
        options.start_wait = start_wait;
        return refusal([&options] { const Instance instance{options}; });
    }

    Database database_;
    std::mutex mutex_;
};

TEST_F(Schema, AppliesOnlyWhatIsMissing) {
    EXPECT_THAT(prepare({kFirstStep}), SizeIs(1));
    const auto second = prepare({kFirstStep, kSecondStep});
    ASSERT_THAT(second, SizeIs(1));
    EXPECT_EQ(second[0].number, 2);
    EXPECT_EQ(second[0].name, "second");
    EXPECT_THAT(prepare({kFirstStep, kSecondStep}), IsEmpty());
    EXPECT_EQ(database_.sql("SELECT x, y IS NULL FROM things.a"), "1|t");
    EXPECT_EQ(database_.sql("SELECT number, name, oldest_binary FROM things.schema_migrations ORDER BY number"),
              "1|first|0.1.0\n2|second|0.1.0");
}

TEST_F(Schema, AStepThatFailsHalfWayChangesNothingAndIsNamed) {
    prepare({kFirstStep});
    const auto said = refusal([this] { prepare({kFirstStep, kFailingStep}); });
    EXPECT_THAT(said, AllOf(HasSubstr("step 0002_failing"), HasSubstr("division by zero"),
                            HasSubstr("nothing of the step was applied")));
    EXPECT_EQ(database_.sql("SELECT max(number) FROM things.schema_migrations"), "1") << "the step before it stays";
    EXPECT_EQ(database_.sql("SELECT to_regclass('things.b') IS NULL"), "t");
    EXPECT_THAT(prepare({kFirstStep, kSecondStep}), SizeIs(1)) << "and a good one can follow";
}

TEST_F(Schema, AFirstStepThatFailsLeavesNotEvenTheSchema) {
    const Migration failing{1, "failing", "-- oldest-binary: 0.1.0\nSELECT 1 / 0"};
    refusal([&] { prepare({failing}); });
    EXPECT_EQ(database_.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'things'"), "0");
}

TEST_F(Schema, OfManyAtOnceEachStepIsAppliedByOne) {
    std::vector<std::size_t> applied(8);
    std::vector<std::string> said;
    std::vector<std::thread> threads;
    for (auto& mine : applied) {
        threads.emplace_back([this, &mine, &said] {
            try {
                mine = prepare({kFirstStep, kSecondStep}).size();
            } catch (const std::exception& error) {
                const std::lock_guard lock{mutex_};
                said.emplace_back(error.what());
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_THAT(said, IsEmpty());
    EXPECT_EQ(std::accumulate(applied.begin(), applied.end(), std::size_t{0}), 2U);
    EXPECT_EQ(database_.sql("SELECT count(*) FROM things.a"), "1");
}

TEST_F(Schema, ANewerSchemaIsUsedByABinaryThatCanLiveWithIt) {
    prepare({kFirstStep, kSecondStep}, {0, 2, 0});
    EXPECT_THAT(prepare({kFirstStep}, {0, 1, 0}), IsEmpty()) << "an older binary during a rolling upgrade";
    EXPECT_THAT(prepare({kFirstStep}, {0, 1, 0}, SchemaPolicy::require), IsEmpty());
}

TEST_F(Schema, ABinaryThatIsTooOldRefuses) {
    prepare({kFirstStep, kBreakingStep}, {0, 10, 0});
    for (const auto policy : {SchemaPolicy::migrate, SchemaPolicy::require}) {
        const auto said = refusal([this, policy] { prepare({kFirstStep}, {0, 2, 9}, policy); });
        EXPECT_THAT(said,
                    AllOf(HasSubstr("carillon 0.2.9 is too old"), HasSubstr("0002_breaking"), HasSubstr("0.3.0")));
    }
    EXPECT_THAT(prepare({kFirstStep, kBreakingStep}, {0, 10, 0}), IsEmpty()) << "versions are numbers";
}

TEST_F(Schema, WithoutMigratingAnOlderSchemaIsRefused) {
    prepare({kFirstStep});
    const auto said = refusal([this] { prepare({kFirstStep, kSecondStep}, {0, 2, 0}, SchemaPolicy::require); });
    EXPECT_THAT(said, HasSubstr("carillon migrate"));
    EXPECT_EQ(database_.sql("SELECT max(number) FROM things.schema_migrations"), "1");
}

TEST_F(Schema, EveryEmbeddedStepIsNumberedAndNamesItsOldestBinary) {
    for (const auto* migrations : {&postgres_notification_migrations(), &postgres_auth_migrations()}) {
        int expected = 0;
        for (const auto& step : *migrations) {
            EXPECT_EQ(step.number, ++expected);
            EXPECT_LE(postgres::oldest_binary_of(step), BinaryVersion::ours()) << step.name;
        }
        EXPECT_GE(expected, 1);
    }
    EXPECT_THROW(postgres::oldest_binary_of({1, "silent", "CREATE TABLE a ()"}), std::logic_error);
}

TEST_F(Schema, OpeningSaysWhatItApplied) {
    {
        const Instance first{database_.options};
        EXPECT_EQ(first.applied().size(), postgres_notification_migrations().size());
    }
    const Instance second{database_.options};
    EXPECT_THAT(second.applied(), IsEmpty());
    EXPECT_THAT(migrate_postgres(database_.options.url, 5s),
                ::testing::ElementsAre("auth/0001_initial", "auth/0002_sessions_and_revocations"));
    EXPECT_THAT(migrate_postgres(database_.options.url, 5s), IsEmpty());
}

// --- What cannot be opened

TEST_F(Schema, AServerThatIsNotThereIsNamedWithoutThePassword) {
    const auto said = open_refusal("postgres://ada:secret@127.0.0.1:1/things");
    EXPECT_THAT(said, AllOf(HasSubstr("--database-url"), HasSubstr("127.0.0.1:1/things"), Not(HasSubstr("secret"))));
}

TEST_F(Schema, ADatabaseThatDoesNotExistIsRefusedWithoutWaiting) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THAT(open_refusal(postgres_server().url("nobodys"), 60s), HasSubstr("does not exist"));
    EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST_F(Schema, WhatIsNoUrlIsNotRepeated) {
    EXPECT_THAT(open_refusal("postgres//ada:secret@db/things"),
                AllOf(HasSubstr("postgres://USER:PASSWORD@HOST"), Not(HasSubstr("secret"))));
    EXPECT_THAT(open_refusal(""), HasSubstr("--database-url"));
}

TEST_F(Schema, AnotherEncodingIsRefused) {
    postgres_server().sql("postgres",
                          "CREATE DATABASE latin OWNER carillon ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    EXPECT_THAT(open_refusal(postgres_server().url("latin")), AllOf(HasSubstr("LATIN1"), HasSubstr("UTF8")));
}

TEST_F(Schema, ADatabaseThatTakesNoWritesIsRefused) {
    { const Instance instance{database_.options}; }
    postgres_server().sql("postgres", "ALTER DATABASE " + database_.name + " SET default_transaction_read_only = on");
    EXPECT_THAT(open_refusal(database_.options.url), HasSubstr("takes no writes"));
}

TEST_F(Schema, SomebodyElsesTablesAreLeftAlone) {
    postgres_server().sql(database_.name,
                          "CREATE SCHEMA notification AUTHORIZATION carillon; SET ROLE carillon; CREATE TABLE "
                          "notification.notifications (mine int)");
    EXPECT_THAT(open_refusal(database_.options.url), HasSubstr("step 0001_initial"));
    EXPECT_EQ(database_.sql("SELECT string_agg(column_name, ',') FROM information_schema.columns"
                            " WHERE table_schema = 'notification'"),
              "mine");
}

TEST_F(Schema, AServerThatIsStillStartingIsWaitedFor) {
    PostgresServer server;
    const auto database = server.create_database();
    server.stop();
    auto options = options_for(server.url(database));
    options.start_wait = 60s;
    auto opening = std::async(std::launch::async, [&options] { return std::make_unique<Instance>(options); });
    EXPECT_EQ(opening.wait_for(500ms), std::future_status::timeout);
    server.start();
    EXPECT_TRUE(opening.get()->create(new_user()));
}

}  // namespace
}  // namespace carillon::store::testing
