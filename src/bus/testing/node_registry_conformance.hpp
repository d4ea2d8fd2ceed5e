#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bus/node_registry.hpp"
#include "loop/event_loop.hpp"

namespace carillon::bus::testing {

/// An adapter with what the suite has to see of it.
class RegistriesUnderTest {
 public:
    /// Not in line: whoever has an adapter links the suite.
    virtual ~RegistriesUnderTest();
    /// The registry of one more process.
    virtual std::unique_ptr<NodeRegistry> make() = 0;
    /// Its process dies without a word.
    virtual void kill(std::unique_ptr<NodeRegistry> registry) = 0;
    /// After so much silence a node is forgotten. Short.
    virtual std::chrono::milliseconds ttl() const = 0;
};

using RegistriesFactory = std::function<std::unique_ptr<RegistriesUnderTest>()>;

/// What every node registry must do. An adapter's test instantiates it.
class NodeRegistryConformance : public ::testing::TestWithParam<RegistriesFactory> {
 protected:
    void SetUp() override;
    void TearDown() override;

    base::Result<std::optional<std::string>> find(NodeRegistry& registry, const std::string& id);
    /// Waits until `registry` says so.
    bool comes_to(NodeRegistry& registry, const std::string& id, const std::optional<std::string>& url);

    std::unique_ptr<RegistriesUnderTest> under_test_;
    loop::EventLoop loop_{"asks"};
};

}  // namespace carillon::bus::testing
