#include <gtest/gtest.h>

#include <memory>

#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_notification_store.hpp"
#include "store/sqlite/sqlite_outbox_store.hpp"
#include "store/sqlite/sqlite_user_data_store.hpp"
#include "store/sqlite/sqlite_user_store.hpp"
#include "store/testing/notification_store_conformance.hpp"
#include "store/testing/outbox_store_conformance.hpp"
#include "store/testing/temp_directory.hpp"
#include "store/testing/user_store_conformance.hpp"

namespace carillon::store::testing {
namespace {

SqliteOptions options_for(const TempDirectory& directory) {
    SqliteOptions options;
    options.directory = directory.path();
    return options;
}

class SqliteNotifications final : public NotificationStoreSubject {
 public:
    NotificationStore& store() override { return store_; }
    OutboxStore& outbox() override { return outbox_; }
    UserDataStore& user_data() override { return user_data_; }

 private:
    TempDirectory directory_;
    metrics::Registry registry_;
    SqliteDatabase database_{options_for(directory_), registry_};
    SqliteNotificationStore store_{database_};
    SqliteOutboxStore outbox_{database_, OutboxName::notification};
    SqliteUserDataStore user_data_{database_};
};

class SqliteUsers final : public UserStoreSubject {
 public:
    UserStore& store() override { return store_; }
    OutboxStore& outbox() override { return outbox_; }

 private:
    TempDirectory directory_;
    metrics::Registry registry_;
    SqliteDatabase database_{options_for(directory_), registry_};
    SqliteUserStore store_{database_};
    SqliteOutboxStore outbox_{database_, OutboxName::auth};
};

std::unique_ptr<NotificationStoreSubject> make_notifications() {
    return std::make_unique<SqliteNotifications>();
}
std::unique_ptr<UserStoreSubject> make_users() {
    return std::make_unique<SqliteUsers>();
}

INSTANTIATE_TEST_SUITE_P(Sqlite, NotificationStoreConformance,
                         ::testing::Values(notification_store_adapter(make_notifications)));
INSTANTIATE_TEST_SUITE_P(Sqlite, OutboxStoreConformance, ::testing::Values(outbox_store_adapter(make_notifications)));
INSTANTIATE_TEST_SUITE_P(Sqlite, UserStoreConformance, ::testing::Values(user_store_adapter(make_users)));

}  // namespace
}  // namespace carillon::store::testing
