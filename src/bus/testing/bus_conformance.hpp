#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "bus/bus.hpp"
#include "loop/event_loop.hpp"

namespace carillon::bus::testing {

/// An adapter with what the suite has to see of it. Its retry pauses should be short.
class BusUnderTest {
 public:
    virtual ~BusUnderTest() = default;
    virtual Bus& bus() = 0;
    /// What has been given up so far. Thread: the test's.
    virtual std::vector<DeadLetter> dead_letters() = 0;
    /// How often a message is delivered before it is given up.
    virtual std::uint32_t deliveries_max() const = 0;
    /// Ends what is in flight, before the loops go.
    virtual void stop() = 0;
};

using BusFactory = std::function<std::unique_ptr<BusUnderTest>()>;

/// What every bus must do. An adapter's test instantiates it:
///
///     INSTANTIATE_TEST_SUITE_P(Local, BusConformance, ::testing::Values(BusFactory{make_local_bus_under_test}));
class BusConformance : public ::testing::TestWithParam<BusFactory> {
 protected:
    void SetUp() override;
    void TearDown() override;

    Bus& bus() { return under_test_->bus(); }
    /// A loop with a thread of its own, which lives until the test has ended.
    loop::Executor new_loop();
    std::future<base::Result<void>> start_publish(loop::Executor executor, Message message);
    /// Publishes on the publisher's loop and waits for the result.
    base::Result<void> publish(Message message);
    /// A message with an id nobody has used.
    Message message(std::string subject, std::string payload) const;
    /// A durable name nobody has used.
    std::string durable_name(const std::string& hint) const;

    std::unique_ptr<BusUnderTest> under_test_;
    std::vector<std::unique_ptr<loop::EventLoop>> loops_;
    loop::Executor publisher_;
};

/// Waits until `condition` holds, at most ten seconds.
bool eventually(const std::function<bool()>& condition);

}  // namespace carillon::bus::testing
