#pragma once

#include <gtest/gtest.h>

#include "store/testing/notification_store_conformance.hpp"

/// What every `OutboxStore` must do; used like `NotificationStoreConformance`, with the notifications' outbox.
namespace carillon::store::testing {

/// Gives the factory back. It stands where the suite is, so that naming it links the suite.
NotificationStoreFactory outbox_store_adapter(NotificationStoreFactory make);

class OutboxStoreConformance : public ::testing::TestWithParam<NotificationStoreFactory> {
 protected:
    void SetUp() override { subject_ = GetParam()(); }

    OutboxStore& outbox() { return subject_->outbox(); }
    /// Makes `count` events, and returns all that are pending.
    std::vector<OutboxEvent> make_events(std::size_t count);

    std::unique_ptr<NotificationStoreSubject> subject_;
};

}  // namespace carillon::store::testing
