#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/notification_store.hpp"
#include "store/outbox_store.hpp"
#include "store/testing/consistency.hpp"
#include "store/testing/drive.hpp"
#include "store/testing/sample_notifications.hpp"
#include "store/user_data_store.hpp"

/// What every `NotificationStore` must do. An adapter's test names the suite once:
///
///     INSTANTIATE_TEST_SUITE_P(Sqlite, NotificationStoreConformance,
///                              ::testing::Values(notification_store_adapter(make_store)));
namespace carillon::store::testing {

/// A store and its outbox, empty when made, for one test.
class NotificationStoreSubject {
 public:
    virtual ~NotificationStoreSubject() = default;
    virtual NotificationStore& store() = 0;
    virtual OutboxStore& outbox() = 0;
    virtual UserDataStore& user_data() = 0;
};

using NotificationStoreFactory = std::function<std::unique_ptr<NotificationStoreSubject>()>;

/// Gives the factory back. It stands where the suite is, so that naming it links the suite.
NotificationStoreFactory notification_store_adapter(NotificationStoreFactory make);

class NotificationStoreConformance : public ::testing::TestWithParam<NotificationStoreFactory> {
 protected:
    void SetUp() override { subject_ = GetParam()(); }

    NotificationStore& store() { return subject_->store(); }
    OutboxStore& outbox() { return subject_->outbox(); }
    UserDataStore& user_data() { return subject_->user_data(); }

    /// Each must succeed, or the test fails.
    Created create(NewNotification wanted);
    std::vector<Created> create_many(base::UserId user, std::size_t count);
    MarkedRead mark_read(base::UserId user, base::NotificationId id, base::TimePoint now = kNow);
    ReadAll read_all(base::UserId user, std::optional<base::Version> before = std::nullopt);
    SyncPage sync(base::UserId user, base::Version since, std::uint32_t limit = 100);
    NotificationPage list(base::UserId user, std::uint32_t limit, std::optional<base::Version> before = std::nullopt,
                          StatusFilter status = StatusFilter::all);
    CreatedOnce create_once(std::vector<NewNotification> batch, const IdempotencyClaim& claim);
    /// Erases the user to the end; returns how many notifications went.
    std::uint64_t erase(base::UserId user);
    /// The error of a creation that must fail.
    base::ErrorCode refused(NewNotification wanted);

    std::unique_ptr<NotificationStoreSubject> subject_;
};

}  // namespace carillon::store::testing
