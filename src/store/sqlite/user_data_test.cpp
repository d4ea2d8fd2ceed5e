#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_notification_store.hpp"
#include "store/sqlite/sqlite_user_data_store.hpp"
#include "store/sqlite/sqlite_user_store.hpp"
#include "store/testing/drive.hpp"
#include "store/testing/sample_notifications.hpp"
#include "store/testing/temp_directory.hpp"

// What is particular to the file: that erased bytes are not in it, and that kept answers do not pile up.
namespace carillon::store {
namespace {

constexpr const char* kSecret = "the word that must be forgotten";

class UserData : public ::testing::Test {
 protected:
    static SqliteOptions options_for(const testing::TempDirectory& directory) {
        SqliteOptions options;
        options.directory = directory.path();
        return options;
    }

    bool on_disk(const std::string& text) const {
        for (const auto& entry : std::filesystem::directory_iterator{directory_.path()}) {
            std::ifstream file{entry.path(), std::ios::binary};
            const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
            if (bytes.find(text) != std::string::npos) return true;
        }
        return false;
    }

    std::int64_t integer_of(std::string_view sql) {
        SqliteConnection connection{database_.file(), SqliteAccess::read_only};
        SqliteQuery query{connection, sql};
        return query.next() ? query.integer(0) : -1;
    }

    testing::TempDirectory directory_;
    metrics::Registry registry_;
    SqliteDatabase database_{options_for(directory_), registry_};
    SqliteNotificationStore store_{database_};
    SqliteUserDataStore user_data_{database_};
    SqliteUserStore users_{database_};
};

TEST_F(UserData, ErasedBytesAreNotInTheFiles) {
    const auto user = testing::new_user();
    for (int i = 0; i < 40; ++i) {
        auto wanted = testing::for_user(user, kSecret);
        wanted.body = std::string(3'000, 'x') + kSecret;
        ASSERT_TRUE(testing::run(store_.create_once({wanted}, testing::claim_of(user, std::to_string(i)))));
    }
    ASSERT_TRUE(on_disk(kSecret));
    ASSERT_TRUE(testing::run(user_data_.erase(user, testing::kNow, "")));
    // The log is emptied after the answer; the next answer comes after that.
    ASSERT_TRUE(testing::run(user_data_.erase(testing::new_user(), testing::kNow, "")));
    EXPECT_FALSE(on_disk(kSecret));
    EXPECT_EQ(integer_of("SELECT count(*) FROM notifications"), 0);
}

TEST_F(UserData, AnErasedAccountIsNotInTheFiles) {
    const User user{testing::new_user(), "ada@forget.example", "Ada", "$argon2id$hash", testing::kNow};
    ASSERT_TRUE(testing::run(users_.create(user, "")));
    ASSERT_TRUE(on_disk("ada@forget.example"));
    ASSERT_TRUE(testing::run(users_.erase(user.id)));
    ASSERT_TRUE(testing::run(user_data_.erase(testing::new_user(), testing::kNow, "")));
    EXPECT_FALSE(on_disk("ada@forget.example"));
}

TEST_F(UserData, KeptAnswersDoNotPileUp) {
    const auto user = testing::new_user();
    constexpr int kCalls = 200;
    for (int i = 0; i < kCalls; ++i) {
        // One key every hour, so that a day has 24.
        const auto now = testing::kNow + std::chrono::hours{i};
        const auto claim = testing::claim_of(user, std::to_string(i), "request", now);
        ASSERT_TRUE(testing::run(store_.read_all(user, std::nullopt, now, "", claim)));
    }
    EXPECT_EQ(integer_of("SELECT count(*) FROM idempotency_keys"), 24);
    EXPECT_EQ(integer_of("SELECT max(sequence) FROM idempotency_keys"), kCalls);
}

}  // namespace
}  // namespace carillon::store
