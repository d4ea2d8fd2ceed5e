#include "store/sqlite/database.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "store/errc.hpp"
#include "store/open_error.hpp"
#include "store/sqlite/sqlite_notification_store.hpp"
#include "store/sqlite/sqlite_outbox_store.hpp"
#include "store/testing/consistency.hpp"
#include "store/testing/drive.hpp"
#include "store/testing/sample_notifications.hpp"
#include "store/testing/temp_directory.hpp"

namespace carillon::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class Database : public ::testing::Test {
 protected:
    std::filesystem::path data() const { return directory_.path() / "data"; }
    std::filesystem::path file() const { return data() / "carillon.db"; }

    SqliteOptions options() const {
        SqliteOptions options;
        options.directory = data();
        return options;
    }
    std::unique_ptr<SqliteDatabase> open() { return std::make_unique<SqliteDatabase>(options(), registry_); }

    // What opening says when it must fail.
    std::string refusal(const SqliteOptions& options) {
        try {
            const SqliteDatabase database{options, registry_};
            ADD_FAILURE() << "it opened";
            return {};
        } catch (const OpenError& error) {
            return error.what();
        }
    }
    std::string refusal() { return refusal(options()); }

    void execute(const std::string& sql) {
        SqliteConnection connection{file(), SqliteAccess::read_write};
        connection.execute(sql);
        ASSERT_FALSE(connection.failed()) << *connection.take_failure();
    }

    static unsigned mode_of(const std::filesystem::path& path) {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status.st_mode & 0777U;
    }

    testing::TempDirectory directory_;
    metrics::Registry registry_;
};

TEST_F(Database, MakesAPrivateDirectoryAndFiles) {
    const auto database = open();
    EXPECT_EQ(mode_of(data()), 0700U);
    for (const char* name : {"carillon.db", "carillon.db-wal", "carillon.db-shm", "carillon.lock"}) {
        EXPECT_EQ(mode_of(data() / name), 0600U) << name;
    }
}

TEST_F(Database, SaysWhichStepsItApplied) {
    EXPECT_THAT(open()->applied(), SizeIs(sqlite_migrations().size()));
    EXPECT_THAT(open()->applied(), IsEmpty());
}

TEST_F(Database, KeepsEverythingOverARestart) {
    const auto user = testing::new_user();
    for (std::uint64_t n = 1; n <= 3; ++n) {
        const auto database = open();
        SqliteNotificationStore store{*database};
        SqliteOutboxStore outbox{*database, OutboxName::notification};
        std::vector<NewNotification> batch{testing::for_user(user)};
        EXPECT_EQ(testing::run(store.create(std::move(batch))).at(0).value().state.version, n);
        EXPECT_EQ(testing::run(outbox.pending_count()).value(), n);
        testing::expect_consistent(store, outbox, {user});
    }
}

TEST_F(Database, FoldsTheLogIntoTheFileWhenClosed) {
    auto database = open();
    SqliteNotificationStore store{*database};
    std::vector<NewNotification> batch{testing::for_user(testing::new_user())};
    testing::run(store.create(std::move(batch)));
    database.reset();
    EXPECT_FALSE(std::filesystem::exists(data() / "carillon.db-wal"));
}

TEST_F(Database, RefusesCallsOnceClosed) {
    const auto database = open();
    SqliteNotificationStore store{*database};
    database->close();
    std::vector<NewNotification> batch{testing::for_user(testing::new_user())};
    EXPECT_EQ(testing::run(store.create(std::move(batch))).at(0).error(), errc::unavailable);
    EXPECT_EQ(testing::run(store.counts({})).error(), errc::unavailable);
    EXPECT_EQ(testing::run(store.check()).error(), errc::unavailable);
}

TEST_F(Database, ObservesHowLongQueriesTake) {
    const auto database = open();
    SqliteNotificationStore store{*database};
    testing::run(store.counts({}));
    EXPECT_THAT(registry_.render(), HasSubstr("carillon_store_query_duration_seconds_count{query=\"counts\"} 1"));
}

TEST_F(Database, RefusesASecondProcess) {
    const auto first = open();
    EXPECT_THAT(refusal(), AllOf(HasSubstr(data().string()), HasSubstr("in use by another carillon process")));
}

TEST_F(Database, IsFreeAgainAfterARefusal) {
    { const auto first = open(); }
    execute("PRAGMA user_version = 999");
    refusal();
    execute("PRAGMA user_version = " + std::to_string(sqlite_migrations().back().number));
    open();
}

TEST_F(Database, RefusesAFileThatIsNoDatabase) {
    std::filesystem::create_directory(data());
    std::ofstream{file()} << std::string(10'000, 'x');
    EXPECT_THAT(refusal(), AllOf(HasSubstr(file().string()), HasSubstr("not a database"), HasSubstr("backup"),
                                 Not(HasSubstr("\n"))));
}

TEST_F(Database, RefusesADamagedFile) {
    {
        const auto database = open();
        SqliteNotificationStore store{*database};
        std::vector<NewNotification> batch;
        for (int i = 0; i < 500; ++i) batch.push_back(testing::for_user(testing::new_user()));
        testing::run(store.create(std::move(batch)));
    }
    const auto size = std::filesystem::file_size(file());
    std::fstream damaged{file(), std::ios::in | std::ios::out | std::ios::binary};
    damaged.seekp(static_cast<std::streamoff>(size / 2));
    damaged << std::string(size / 4, '\xAA');
    damaged.close();
    EXPECT_THAT(refusal(), AllOf(HasSubstr(file().string()), HasSubstr("backup"), Not(HasSubstr("\n"))));
}

TEST_F(Database, RefusesAFileCutShort) {
    {
        const auto database = open();
        SqliteNotificationStore store{*database};
        std::vector<NewNotification> batch;
        for (int i = 0; i < 500; ++i) batch.push_back(testing::for_user(testing::new_user()));
        testing::run(store.create(std::move(batch)));
    }
    std::filesystem::resize_file(file(), std::filesystem::file_size(file()) / 2);
    EXPECT_THAT(refusal(), AllOf(HasSubstr(file().string()), HasSubstr("backup")));
}

TEST_F(Database, RefusesAnotherProgramsDatabase) {
    std::filesystem::create_directory(data());
    execute("CREATE TABLE recipes (name TEXT)");
    EXPECT_THAT(refusal(), AllOf(HasSubstr(file().string()), HasSubstr("another program")));
}

TEST_F(Database, RefusesANewerSchema) {
    { const auto database = open(); }
    execute("PRAGMA user_version = 999");
    EXPECT_THAT(refusal(), AllOf(HasSubstr(file().string()), HasSubstr("999"), HasSubstr("upgrade carillon")));
}

TEST_F(Database, RefusesAnOlderSchemaWhenItMayNotMigrate) {
    auto without = options();
    without.schema = SchemaPolicy::require;
    EXPECT_THAT(refusal(without), HasSubstr("run `carillon migrate`"));
    { const auto database = open(); }
    const SqliteDatabase database{without, registry_};
    EXPECT_THAT(database.applied(), IsEmpty());
}

TEST_F(Database, RefusesADirectoryThatCannotBeMade) {
    std::ofstream{directory_.path() / "plain"} << "a file";
    auto beneath = options();
    beneath.directory = directory_.path() / "plain" / "data";
    EXPECT_THAT(refusal(beneath), AllOf(HasSubstr(beneath.directory.string()), HasSubstr("--data-dir")));
    beneath.directory = directory_.path() / "plain";
    EXPECT_THAT(refusal(beneath), AllOf(HasSubstr(beneath.directory.string()), HasSubstr("--data-dir")));
}

TEST_F(Database, RefusesADirectoryThatCannotBeWritten) {
    // Not even root makes files there.
    auto fixed = options();
    fixed.directory = "/proc/self";
    EXPECT_THAT(refusal(fixed), AllOf(HasSubstr("cannot write in the data directory"), HasSubstr("--data-dir")));
}

}  // namespace
}  // namespace carillon::store
