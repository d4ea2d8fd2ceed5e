#include <gmock/gmock.h>

#include "store/postgres/pgtest_fixture.hpp"

// A backup as docs/operations.md describes it, taken while changes go on, and restored into an empty database.
namespace carillon::store::testing {
namespace {

using ::testing::SizeIs;

TEST(PostgresBackup, HoldsEverythingThatWasAnsweredBeforeItBegan) {
    Database database;
    Instance instance{database.options};
    const auto user = new_user();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(instance.create(user));
    ASSERT_TRUE(run(instance.store().read_all(user, 5, kNow, "", std::nullopt)));

    auto& server = postgres_server();
    const std::string file = server.folder() / "backup.dump";
    auto going_on = start(instance.store().create({for_user(user)}));
    server.run({PostgresServer::program("pg_dump"), "--format=custom", "--file", file, database.options.url});
    ASSERT_TRUE(wait_for(std::move(going_on)).at(0));

    Database restored;
    server.run({PostgresServer::program("pg_restore"), "--exit-on-error", "--dbname", restored.options.url, file});
    auto options = restored.options;
    options.schema = SchemaPolicy::require;
    Instance second{options};
    const auto state = state_of(second.store(), user);
    EXPECT_GE(state.version, 21U);
    EXPECT_THAT(all_notifications(second.store(), user), SizeIs(state.unread + 5));
    EXPECT_EQ(restored.wrong_counts(), "0");
    // Events that were pending then go out again, and the next change takes the next version.
    EXPECT_TRUE(eventually([&] { return second.heard().size() >= 21; }));
    EXPECT_EQ(second.create(user).value().state.version, state.version + 1);
}

}  // namespace
}  // namespace carillon::store::testing
