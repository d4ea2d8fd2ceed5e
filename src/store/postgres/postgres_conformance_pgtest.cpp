#include <gtest/gtest.h>

#include <memory>

#include "store/postgres/blocking_connection.hpp"
#include "store/postgres/postgres.hpp"
#include "store/postgres/testing/postgres_server.hpp"
#include "store/testing/notification_store_conformance.hpp"
#include "store/testing/outbox_store_conformance.hpp"
#include "store/testing/user_store_conformance.hpp"

namespace carillon::store::testing {
namespace {

// One database for all tests, emptied before each: making and dropping one costs a checkpoint.
PostgresOptions empty_database() {
    static const std::string kUrl = postgres_server().url(postgres_server().create_database());
    migrate_postgres(kUrl, std::chrono::seconds{10});
    postgres::BlockingConnection connection{postgres::ConnectionTarget::parse(kUrl), std::chrono::seconds{10}};
    for (const char* table : {"notification.notifications", "notification.user_state", "notification.consumed_events",
                              "notification.idempotency_keys", "notification.outbox", "notification.outbox_lease",
                              "auth.users", "auth.outbox", "auth.outbox_lease"}) {
        connection.run(std::string{"DELETE FROM "} + table);
    }
    PostgresOptions options;
    options.url = kUrl;
    return options;
}

class PostgresNotificationsSubject final : public NotificationStoreSubject {
 public:
    ~PostgresNotificationsSubject() override { opened_.close(); }
    NotificationStore& store() override { return opened_.store(); }
    OutboxStore& outbox() override { return opened_.outbox(); }
    UserDataStore& user_data() override { return opened_.user_data(); }

 private:
    metrics::Registry registry_;
    PostgresNotifications opened_{empty_database(), test_executor(), registry_};
};

class PostgresUsersSubject final : public UserStoreSubject {
 public:
    ~PostgresUsersSubject() override { opened_.close(); }
    UserStore& store() override { return opened_.store(); }
    OutboxStore& outbox() override { return opened_.outbox(); }

 private:
    metrics::Registry registry_;
    PostgresUsers opened_{empty_database(), test_executor(), registry_};
};

std::unique_ptr<NotificationStoreSubject> make_notifications() {
    return std::make_unique<PostgresNotificationsSubject>();
}
std::unique_ptr<UserStoreSubject> make_users() {
    return std::make_unique<PostgresUsersSubject>();
}

INSTANTIATE_TEST_SUITE_P(Postgres, NotificationStoreConformance,
                         ::testing::Values(notification_store_adapter(make_notifications)));
INSTANTIATE_TEST_SUITE_P(Postgres, OutboxStoreConformance, ::testing::Values(outbox_store_adapter(make_notifications)));
INSTANTIATE_TEST_SUITE_P(Postgres, UserStoreConformance, ::testing::Values(user_store_adapter(make_users)));

}  // namespace
}  // namespace carillon::store::testing
