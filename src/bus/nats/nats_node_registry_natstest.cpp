#include "bus/nats/nats_node_registry.hpp"

#include <gtest/gtest.h>

#include "bus/nats/nats_bus.hpp"
#include "bus/testing/bus_conformance.hpp"
#include "bus/testing/nats_server.hpp"
#include "bus/testing/node_registry_conformance.hpp"

namespace carillon::bus {
namespace {

using namespace std::chrono_literals;

/// A bus of its own for each registry, as each process has one.
class RegistryOfAProcess final : public NodeRegistry {
 public:
    explicit RegistryOfAProcess(NatsOptions options) : bus_{std::move(options)} {
        bus_.start();
        registry_ = bus_.node_registry();
    }
    void join(Node self) override { registry_->join(std::move(self)); }
    void leave() override { registry_->leave(); }
    loop::Task<base::Result<std::optional<std::string>>> find(std::string id) override {
        return registry_->find(std::move(id));
    }
    void doubt(const std::string& id) override { registry_->doubt(id); }
    void die() { dynamic_cast<NatsNodeRegistry&>(*registry_).stop(); }

 private:
    NatsBus bus_;
    std::unique_ptr<NodeRegistry> registry_;
};

class NatsRegistries final : public testing::RegistriesUnderTest {
 public:
    std::unique_ptr<NodeRegistry> make() override {
        NatsOptions options;
        options.urls = {server_.url()};
        options.node_ttl = ttl();
        options.reconnect_pause_max = 100ms;
        return std::make_unique<RegistryOfAProcess>(options);
    }
    void kill(std::unique_ptr<NodeRegistry> registry) override {
        dynamic_cast<RegistryOfAProcess&>(*registry).die();
        registry.reset();
    }
    std::chrono::milliseconds ttl() const override { return 1'000ms; }
    testing::NatsServer& server() { return server_; }

 private:
    testing::NatsServer server_;
};

std::unique_ptr<testing::RegistriesUnderTest> make_under_test() {
    return std::make_unique<NatsRegistries>();
}

}  // namespace

namespace testing {
INSTANTIATE_TEST_SUITE_P(Nats, NodeRegistryConformance, ::testing::Values(RegistriesFactory{make_under_test}));

namespace {

/// What only a registry on a server can meet.
class NatsNodeRegistryTrouble : public NodeRegistryConformance {
 protected:
    NatsServer& server() { return dynamic_cast<NatsRegistries&>(*under_test_).server(); }
};

TEST_P(NatsNodeRegistryTrouble, SaysSoWhileTheServerIsAwayAndIsThereAgainAfterIt) {
    const auto one = under_test_->make();
    const auto two = under_test_->make();
    two->join({"node-two", "http://127.0.0.1:1002"});
    EXPECT_TRUE(comes_to(*one, "node-two", "http://127.0.0.1:1002"));
    server().kill();
    one->doubt("node-two");
    EXPECT_TRUE(eventually([&] {
        const auto found = find(*one, "node-two");
        return !found && found.error() == make_error_code(errc::unavailable);
    }));
    server().start();
    EXPECT_TRUE(eventually([&] {
        const auto found = find(*one, "node-two");
        return found && *found == "http://127.0.0.1:1002";
    }));
}

TEST_P(NatsNodeRegistryTrouble, JoinsLaterWhenTheServerComesLater) {
    server().stop();
    const auto one = under_test_->make();
    one->join({"node-one", "http://127.0.0.1:1001"});
    server().start();
    EXPECT_TRUE(comes_to(*one, "node-one", "http://127.0.0.1:1001"));
}

INSTANTIATE_TEST_SUITE_P(Nats, NatsNodeRegistryTrouble, ::testing::Values(RegistriesFactory{make_under_test}));

}  // namespace
}  // namespace testing
}  // namespace carillon::bus
