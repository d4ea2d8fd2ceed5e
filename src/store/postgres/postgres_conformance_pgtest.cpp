#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>

#include "store/postgres/blocking_connection.hpp"
#include "store/postgres/pgtest_fixture.hpp"
#include "store/postgres/postgres.hpp"
#include "store/postgres/testing/postgres_server.hpp"
#include "store/testing/notification_store_conformance.hpp"
#include "store/testing/outbox_store_conformance.hpp"
#include "store/testing/outbox_takeover_conformance.hpp"
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
                              "auth.users", "auth.sessions", "auth.revocations", "auth.outbox", "auth.outbox_lease"}) {
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

// With the limits of the service, unless a test wants a short lease: what is promised of the lease is what is tested.
class PostgresWorld final : public OutboxWorld {
 public:
    NotificationStoreSubject& open() override { return instances_.emplace_back(options_); }
    bool takes_several() const override { return true; }
    void kill(NotificationStoreSubject& subject) override { find(subject).instance.die(); }
    std::chrono::milliseconds lease() const override { return options_.limits.outbox_lease; }
    void shorten_lease() override {
        options_.limits.outbox_lease = std::chrono::milliseconds{1'000};
        options_.limits.adopt_every = std::chrono::milliseconds{100};
    }
    std::vector<OutboxEvent> heard(NotificationStoreSubject& subject) override {
        return find(subject).instance.heard();
    }

 private:
    struct Subject final : NotificationStoreSubject {
        explicit Subject(const PostgresOptions& options) : instance{options} {}
        NotificationStore& store() override { return instance.store(); }
        OutboxStore& outbox() override { return instance.outbox(); }
        UserDataStore& user_data() override { return instance.user_data(); }
        Instance instance;
    };
    Subject& find(const NotificationStoreSubject& subject) {
        return *std::find_if(instances_.begin(), instances_.end(),
                             [&subject](const Subject& one) { return &one == &subject; });
    }

    PostgresOptions options_ = empty_database();
    std::list<Subject> instances_;
};

class PostgresUsersSubject final : public UserStoreSubject {
 public:
    ~PostgresUsersSubject() override { opened_.close(); }
    UserStore& store() override { return opened_.store(); }
    SessionStore& sessions() override { return opened_.sessions(); }
    RevocationStore& revocations() override { return opened_.revocations(); }
    OutboxStore& outbox() override { return opened_.outbox(); }

 private:
    metrics::Registry registry_;
    PostgresUsers opened_{empty_database(), test_executor(), registry_};
};

std::unique_ptr<NotificationStoreSubject> make_notifications() {
    return std::make_unique<PostgresNotificationsSubject>();
}
std::unique_ptr<OutboxWorld> make_world() {
    return std::make_unique<PostgresWorld>();
}
std::unique_ptr<UserStoreSubject> make_users() {
    return std::make_unique<PostgresUsersSubject>();
}

INSTANTIATE_TEST_SUITE_P(Postgres, NotificationStoreConformance,
                         ::testing::Values(notification_store_adapter(make_notifications)));
INSTANTIATE_TEST_SUITE_P(Postgres, OutboxStoreConformance, ::testing::Values(outbox_store_adapter(make_notifications)));
INSTANTIATE_TEST_SUITE_P(Postgres, OutboxTakeoverConformance, ::testing::Values(outbox_world(make_world)));
INSTANTIATE_TEST_SUITE_P(Postgres, UserStoreConformance, ::testing::Values(user_store_adapter(make_users)));

}  // namespace
}  // namespace carillon::store::testing
