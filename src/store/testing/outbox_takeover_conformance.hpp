#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "store/testing/notification_store_conformance.hpp"

/// What every `OutboxStore` must do about instances that die, whether its store takes several at once or one after the
/// other: whatever one has committed and not removed goes out through the others.
namespace carillon::store::testing {

/// One store with the instances that use it; empty when made, for one test.
class OutboxWorld {
 public:
    virtual ~OutboxWorld() = default;
    /// Another instance beside those that live; only for stores that take several. Belongs to the world.
    virtual NotificationStoreSubject& open() = 0;
    virtual bool takes_several() const = 0;
    /// Ends it without anything given back.
    virtual void kill(NotificationStoreSubject& instance) = 0;
    /// How long a dead instance keeps its events.
    virtual std::chrono::milliseconds lease() const = 0;
    /// Before the first `open`: a short one, where the time itself is not what is tested.
    virtual void shorten_lease() = 0;
    /// What the listener of an instance was told.
    virtual std::vector<OutboxEvent> heard(NotificationStoreSubject& instance) = 0;
};

using OutboxWorldFactory = std::function<std::unique_ptr<OutboxWorld>()>;

/// Gives the factory back. It stands where the suite is, so that naming it links the suite.
OutboxWorldFactory outbox_world(OutboxWorldFactory make);

class OutboxTakeoverConformance : public ::testing::TestWithParam<OutboxWorldFactory> {
 protected:
    void SetUp() override { world_ = GetParam()(); }

    /// The instances that live on after `victim`: on a store that takes several they live beside it before.
    std::vector<NotificationStoreSubject*> successors_of(NotificationStoreSubject& victim);
    /// Waits until `count` events are in the outboxes of `instances`, at most for the lease and two seconds.
    bool taken_over(const std::vector<NotificationStoreSubject*>& instances, std::size_t count);
    static void create_some(NotificationStoreSubject& instance, base::UserId user, std::size_t count);

    std::unique_ptr<OutboxWorld> world_;
};

}  // namespace carillon::store::testing
