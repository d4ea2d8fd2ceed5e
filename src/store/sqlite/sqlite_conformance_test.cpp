#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>
#include <mutex>

#include "store/sqlite/database.hpp"
#include "store/sqlite/sqlite_notification_store.hpp"
#include "store/sqlite/sqlite_outbox_store.hpp"
#include "store/sqlite/sqlite_revocation_store.hpp"
#include "store/sqlite/sqlite_session_store.hpp"
#include "store/sqlite/sqlite_user_data_store.hpp"
#include "store/sqlite/sqlite_user_store.hpp"
#include "store/testing/notification_store_conformance.hpp"
#include "store/testing/outbox_store_conformance.hpp"
#include "store/testing/outbox_takeover_conformance.hpp"
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
    SqliteNotifications() : SqliteNotifications{std::make_shared<TempDirectory>()} {}
    explicit SqliteNotifications(std::shared_ptr<TempDirectory> directory) : directory_{std::move(directory)} {}
    NotificationStore& store() override { return store_; }
    OutboxStore& outbox() override { return outbox_; }
    UserDataStore& user_data() override { return user_data_; }

 private:
    std::shared_ptr<TempDirectory> directory_;
    metrics::Registry registry_;
    SqliteDatabase database_{options_for(*directory_), registry_};
    SqliteNotificationStore store_{database_};
    SqliteOutboxStore outbox_{database_, OutboxName::notification};
    SqliteUserDataStore user_data_{database_};
};

// A file has one process at a time; the next one finds what the last one left.
class SqliteWorld final : public OutboxWorld {
 public:
    NotificationStoreSubject& open() override {
        auto& instance = instances_.emplace_back();
        instance.subject = std::make_unique<SqliteNotifications>(directory_);
        instance.subject->outbox().on_committed([&instance](std::vector<OutboxEvent> events) {
            const std::lock_guard lock{instance.mutex};
            instance.heard.insert(instance.heard.end(), events.begin(), events.end());
        });
        return *instance.subject;
    }
    bool takes_several() const override { return false; }
    void kill(NotificationStoreSubject& subject) override { find(subject).subject.reset(); }
    std::chrono::milliseconds lease() const override { return std::chrono::milliseconds{0}; }
    void shorten_lease() override {}
    std::vector<OutboxEvent> heard(NotificationStoreSubject& subject) override {
        auto& instance = find(subject);
        const std::lock_guard lock{instance.mutex};
        return instance.heard;
    }

 private:
    struct Instance {
        std::mutex mutex;
        std::vector<OutboxEvent> heard;
        std::unique_ptr<SqliteNotifications> subject;
    };
    Instance& find(const NotificationStoreSubject& subject) {
        return *std::find_if(instances_.begin(), instances_.end(),
                             [&subject](const Instance& one) { return one.subject.get() == &subject; });
    }

    std::shared_ptr<TempDirectory> directory_ = std::make_shared<TempDirectory>();
    std::list<Instance> instances_;
};

class SqliteUsers final : public UserStoreSubject {
 public:
    UserStore& store() override { return store_; }
    SessionStore& sessions() override { return sessions_; }
    RevocationStore& revocations() override { return revocations_; }
    OutboxStore& outbox() override { return outbox_; }

 private:
    TempDirectory directory_;
    metrics::Registry registry_;
    SqliteDatabase database_{options_for(directory_), registry_};
    SqliteUserStore store_{database_};
    SqliteSessionStore sessions_{database_};
    SqliteRevocationStore revocations_{database_};
    SqliteOutboxStore outbox_{database_, OutboxName::auth};
};

std::unique_ptr<NotificationStoreSubject> make_notifications() {
    return std::make_unique<SqliteNotifications>();
}
std::unique_ptr<OutboxWorld> make_world() {
    return std::make_unique<SqliteWorld>();
}
std::unique_ptr<UserStoreSubject> make_users() {
    return std::make_unique<SqliteUsers>();
}

INSTANTIATE_TEST_SUITE_P(Sqlite, NotificationStoreConformance,
                         ::testing::Values(notification_store_adapter(make_notifications)));
INSTANTIATE_TEST_SUITE_P(Sqlite, OutboxStoreConformance, ::testing::Values(outbox_store_adapter(make_notifications)));
INSTANTIATE_TEST_SUITE_P(Sqlite, OutboxTakeoverConformance, ::testing::Values(outbox_world(make_world)));
INSTANTIATE_TEST_SUITE_P(Sqlite, UserStoreConformance, ::testing::Values(user_store_adapter(make_users)));

}  // namespace
}  // namespace carillon::store::testing
