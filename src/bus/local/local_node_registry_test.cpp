#include "bus/local/local_node_registry.hpp"

#include <gtest/gtest.h>

#include "bus/testing/node_registry_conformance.hpp"

namespace carillon::bus {
namespace {

class LocalRegistries final : public testing::RegistriesUnderTest {
 public:
    std::unique_ptr<NodeRegistry> make() override { return std::make_unique<LocalNodeRegistry>(nodes_); }
    void kill(std::unique_ptr<NodeRegistry> registry) override { registry.reset(); }
    std::chrono::milliseconds ttl() const override { return std::chrono::milliseconds{20}; }

 private:
    const std::shared_ptr<LocalNodes> nodes_ = std::make_shared<LocalNodes>();
};

std::unique_ptr<testing::RegistriesUnderTest> make_under_test() {
    return std::make_unique<LocalRegistries>();
}

}  // namespace

namespace testing {
INSTANTIATE_TEST_SUITE_P(Local, NodeRegistryConformance, ::testing::Values(RegistriesFactory{make_under_test}));
}  // namespace testing

}  // namespace carillon::bus
