#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "store/outbox_store.hpp"
#include "store/revocation_store.hpp"
#include "store/session_store.hpp"
#include "store/user_store.hpp"

/// What every `UserStore`, `SessionStore` and `RevocationStore` must do; used like `NotificationStoreConformance`.
namespace carillon::store::testing {

/// A store and its outbox, empty when made, for one test.
class UserStoreSubject {
 public:
    virtual ~UserStoreSubject() = default;
    virtual UserStore& store() = 0;
    virtual SessionStore& sessions() = 0;
    virtual RevocationStore& revocations() = 0;
    virtual OutboxStore& outbox() = 0;
};

using UserStoreFactory = std::function<std::unique_ptr<UserStoreSubject>()>;

/// Gives the factory back. It stands where the suite is, so that naming it links the suite.
UserStoreFactory user_store_adapter(UserStoreFactory make);

class UserStoreConformance : public ::testing::TestWithParam<UserStoreFactory> {
 protected:
    void SetUp() override { subject_ = GetParam()(); }

    UserStore& store() { return subject_->store(); }
    SessionStore& sessions() { return subject_->sessions(); }
    RevocationStore& revocations() { return subject_->revocations(); }
    OutboxStore& outbox() { return subject_->outbox(); }

    std::unique_ptr<UserStoreSubject> subject_;
};

}  // namespace carillon::store::testing
