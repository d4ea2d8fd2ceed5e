#include "bus/testing/node_registry_conformance.hpp"

#include <future>
#include <thread>

#include "bus/testing/bus_conformance.hpp"

namespace carillon::bus::testing {
namespace {

using Found = base::Result<std::optional<std::string>>;

loop::Task<void> ask(NodeRegistry& registry, std::string id, std::promise<Found>& out) {
    auto finding = registry.find(std::move(id));
    out.set_value(co_await std::move(finding));
}

}  // namespace

RegistriesUnderTest::~RegistriesUnderTest() = default;

void NodeRegistryConformance::SetUp() {
    loop_.start();
    under_test_ = GetParam()();
}

void NodeRegistryConformance::TearDown() {
    under_test_.reset();
    loop_.stop();
    loop_.join();
}

Found NodeRegistryConformance::find(NodeRegistry& registry, const std::string& id) {
    std::promise<Found> out;
    auto answer = out.get_future();
    loop::spawn(loop_.executor(), ask(registry, id, out), "find");
    return answer.get();
}

bool NodeRegistryConformance::comes_to(NodeRegistry& registry, const std::string& id,
                                       const std::optional<std::string>& url) {
    return eventually([&] {
        const auto found = find(registry, id);
        return found && *found == url;
    });
}

namespace {

TEST_P(NodeRegistryConformance, EverybodyFindsWhoHasJoined) {
    const auto one = under_test_->make();
    const auto two = under_test_->make();
    one->join({"node-one", "http://127.0.0.1:1001"});
    two->join({"node-two", "https://two.test/gateway"});
    for (auto* asked : {one.get(), two.get()}) {
        const auto first = find(*asked, "node-one");
        ASSERT_TRUE(first) << first.error().message();
        EXPECT_EQ(*first, "http://127.0.0.1:1001");
        const auto second = find(*asked, "node-two");
        ASSERT_TRUE(second) << second.error().message();
        EXPECT_EQ(*second, "https://two.test/gateway");
    }
}

TEST_P(NodeRegistryConformance, WhoWasNeverThereIsNotFound) {
    const auto one = under_test_->make();
    one->join({"node-one", "http://127.0.0.1:1001"});
    const auto found = find(*one, "nobody-0");
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(*found, std::nullopt);
}

TEST_P(NodeRegistryConformance, WhoLeavesIsForgottenAndMayComeBack) {
    const auto one = under_test_->make();
    const auto two = under_test_->make();
    two->join({"node-two", "http://127.0.0.1:1002"});
    EXPECT_TRUE(comes_to(*one, "node-two", "http://127.0.0.1:1002"));
    two->leave();
    one->doubt("node-two");
    EXPECT_TRUE(comes_to(*one, "node-two", std::nullopt));
    two->join({"node-two", "http://127.0.0.1:2002"});
    EXPECT_TRUE(comes_to(*one, "node-two", "http://127.0.0.1:2002"));
    two->leave();
    two->leave();
}

TEST_P(NodeRegistryConformance, WhoLivesIsFoundAsLongAsItDoes) {
    const auto one = under_test_->make();
    const auto two = under_test_->make();
    two->join({"node-two", "http://127.0.0.1:1002"});
    const auto until = std::chrono::steady_clock::now() + 3 * under_test_->ttl();
    while (std::chrono::steady_clock::now() < until) {
        one->doubt("node-two");
        const auto found = find(*one, "node-two");
        ASSERT_TRUE(found) << found.error().message();
        ASSERT_EQ(*found, "http://127.0.0.1:1002");
        std::this_thread::sleep_for(under_test_->ttl() / 20);
    }
}

TEST_P(NodeRegistryConformance, WhoDiesIsForgottenWithoutItsHelp) {
    const auto one = under_test_->make();
    auto two = under_test_->make();
    two->join({"node-two", "http://127.0.0.1:1002"});
    EXPECT_TRUE(comes_to(*one, "node-two", "http://127.0.0.1:1002"));
    under_test_->kill(std::move(two));
    EXPECT_TRUE(comes_to(*one, "node-two", std::nullopt));
}

TEST_P(NodeRegistryConformance, ManyMayAskForOneAtOnce) {
    const auto one = under_test_->make();
    const auto two = under_test_->make();
    two->join({"node-two", "http://127.0.0.1:1002"});
    one->doubt("node-two");
    std::vector<std::promise<Found>> answers(200);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        loop::spawn(loop_.executor(), ask(*one, i % 2 == 0 ? "node-two" : "nobody-0", answers[i]), "find");
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto found = answers[i].get_future().get();
        ASSERT_TRUE(found) << found.error().message();
        EXPECT_EQ(found->has_value(), i % 2 == 0) << i;
    }
}

}  // namespace
}  // namespace carillon::bus::testing
