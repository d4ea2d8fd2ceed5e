#include "http/address_limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/fake_clock.hpp"
#include "http/testing/engine_probe.hpp"

namespace carillon::http {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class AddressLimitsTest : public ::testing::Test {
 protected:
    int taken(AddressBudget& budget, int handshakes) const {
        int taken = 0;
        for (int i = 0; i < handshakes; ++i) taken += budget.take_connect(clock.steady_now()) ? 0 : 1;
        return taken;
    }
    static AddressLimitsConfig config(AddressRates rates, std::size_t addresses_max = 1'000) {
        AddressLimitsConfig config;
        config.rates = rates;
        config.addresses_max = addresses_max;
        return config;
    }
    static std::string address(int n) {
        return "10." + std::to_string(n / 65'536) + "." + std::to_string(n / 256 % 256) + "." + std::to_string(n % 256);
    }

    base::FakeClock clock;
    metrics::Registry registry;
    metrics::Counter& pauses = registry.counter("pauses", "Waits");
};

TEST_F(AddressLimitsTest, TenSecondsOfHandshakesMayComeAtOnce) {
    AddressBudget budget{{5, 0}, nullptr};
    EXPECT_EQ(taken(budget, 60), 50);
    const auto wait = budget.take_connect(clock.steady_now());
    ASSERT_EQ(wait, 200ms);
    clock.advance(*wait - 1ms);
    EXPECT_EQ(taken(budget, 1), 0);
    clock.advance(1ms);
    EXPECT_EQ(taken(budget, 2), 1);
    clock.advance(1h);
    EXPECT_EQ(taken(budget, 60), 50) << "never more than the size of the bucket";
}

TEST_F(AddressLimitsTest, EightSecondsOfBytesMayComeAtOnceAndADebtIsWaitedFor) {
    AddressBudget budget{{0, 1'000}, &pauses};
    budget.spend(8'000, clock.steady_now());
    EXPECT_EQ(budget.pause(clock.steady_now()), 0ms);
    EXPECT_EQ(pauses.value(), 0);
    budget.spend(100, clock.steady_now());
    EXPECT_EQ(budget.pause(clock.steady_now()), 100ms);
    EXPECT_EQ(pauses.value(), 1);
    clock.advance(99ms);
    EXPECT_EQ(budget.pause(clock.steady_now()), 1ms);
    clock.advance(1ms);
    EXPECT_EQ(budget.pause(clock.steady_now()), 0ms);
    budget.spend(1'000'000, clock.steady_now());
    EXPECT_EQ(budget.pause(clock.steady_now()), AddressBudget::kPauseMax) << "then it is asked again";
}

TEST_F(AddressLimitsTest, ZeroMeansNoLimit) {
    AddressBudget budget{{0, 0}, nullptr};
    EXPECT_EQ(taken(budget, 10'000), 10'000);
    budget.spend(1'000'000'000, clock.steady_now());
    EXPECT_EQ(budget.pause(clock.steady_now()), 0ms);
    AddressLimits limits{clock, config({0, 0})};
    EXPECT_EQ(limits.of("192.0.2.1"), nullptr);
    EXPECT_EQ(limits.remembered(), 0U);
}

TEST_F(AddressLimitsTest, AnAddressIsAnIpv4OrTheSlash64OfAnIpv6) {
    AddressLimits limits{clock, config({5, 0})};
    EXPECT_EQ(limits.of("192.0.2.1"), limits.of("::ffff:192.0.2.1"));
    EXPECT_NE(limits.of("192.0.2.1"), limits.of("192.0.2.2"));
    EXPECT_EQ(limits.of("2001:db8::1"), limits.of("2001:db8::ffff:2"));
    EXPECT_NE(limits.of("2001:db8::1"), limits.of("2001:db8:0:1::1"));
}

TEST_F(AddressLimitsTest, ThisMachineHasRatesOfItsOwnAndTrustedProxiesHaveNone) {
    auto given = config({5, 0});
    given.trusted_proxies = TrustedProxies{{"10.1.0.0/16"}};
    AddressLimits limits{clock, given};
    EXPECT_EQ(limits.of("127.0.0.1"), nullptr);
    EXPECT_EQ(limits.of("::ffff:127.0.0.9"), nullptr);
    EXPECT_EQ(limits.of("::1"), nullptr);
    EXPECT_NE(limits.of("::2"), nullptr);
    EXPECT_EQ(limits.of("10.1.2.3"), nullptr);
    EXPECT_NE(limits.of("10.2.2.3"), nullptr);
    given.loopback = {1, 0};
    AddressLimits strict{clock, given};
    EXPECT_EQ(taken(*strict.of("127.0.0.1"), 20), 10);
}

TEST_F(AddressLimitsTest, ForgetsAddressesThatOweNothingAndNobodyHolds) {
    AddressLimits limits{clock, config({10, 10})};
    const auto held = limits.of("192.0.2.1");
    EXPECT_EQ(taken(*limits.of("192.0.2.2"), 1), 1);
    limits.of("192.0.2.3")->spend(10, clock.steady_now());
    limits.of("192.0.2.4");
    limits.forget_idle();
    EXPECT_EQ(limits.remembered(), 3U) << "held, spent, read";
    clock.advance(100ms);
    limits.forget_idle();
    EXPECT_EQ(limits.remembered(), 2U);
    clock.advance(900ms);
    limits.forget_idle();
    EXPECT_EQ(limits.remembered(), 1U);
    EXPECT_EQ(limits.of("192.0.2.1"), held);
}

TEST_F(AddressLimitsTest, RemembersABoundedNumberOfAddresses) {
    AddressLimits limits{clock, config({1, 0}, 1'000)};
    EXPECT_EQ(taken(*limits.of("192.0.2.1"), 20), 10);
    for (int i = 0; i < 100'000; ++i) {
        EXPECT_EQ(taken(*limits.of(address(i)), 1), 1);
        // Who comes again and again is not driven out by those who pass by.
        if (i % 500 == 0) {
            ASSERT_EQ(taken(*limits.of("192.0.2.1"), 1), 0) << i;
        }
        ASSERT_LE(limits.remembered(), 1'000U);
    }
    EXPECT_EQ(limits.remembered(), 1'000U);
    clock.advance(10s);
    limits.forget_idle();
    EXPECT_EQ(limits.remembered(), 0U);
}

/// The limits on a real endpoint, whose clients are on this machine.
class AddressLimitsOfEndpoints : public AddressLimitsTest {
 protected:
    Shard& serve(AddressRates rates, std::size_t handshakes = 0) {
        AddressLimitsConfig given;
        given.loopback = rates;
        given.pauses = &pauses;
        EngineEndpointConfig endpoint;
        endpoint.addresses = std::make_shared<AddressLimits>(base::system_clock(), given);
        endpoint.handshakes = pending = std::make_shared<ConnectionBudget>(handshakes);
        endpoint.budget = connections = std::make_shared<ConnectionBudget>(0);
        endpoint.on_refused = [this](std::string_view reason) { refused = reason; };
        shard_ = std::make_unique<Shard>(endpoint);
        shard_->start();
        return *shard_;
    }

    std::string last_refusal() {
        std::string reason;
        shard_->between_turns([&] { reason = refused; });
        return reason;
    }

    std::shared_ptr<ConnectionBudget> pending;
    std::shared_ptr<ConnectionBudget> connections;
    std::string refused;  // touched on the shard's thread
    std::unique_ptr<Shard> shard_;
};

TEST_F(AddressLimitsOfEndpoints, RefuseHandshakesBeforeASessionIsMade) {
    auto& shard = serve({1, 0});
    for (int i = 0; i < 9; ++i) EXPECT_FALSE(shard.open().empty()) << i;
    EXPECT_FALSE(shard.ask(upgrade()).empty());
    // The bucket refills while this runs; it must not fill faster than it is emptied.
    std::string answer;
    for (int i = 0; i < 100 && !answer.starts_with("HTTP/1.1 429 "); ++i) answer = shard.ask(get(kPolling));
    EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 429 "), HasSubstr("Content-Type: application/problem+json\r\n"),
                              HasSubstr("Retry-After: 1\r\n"), HasSubstr("\"code\":\"rate_limited\"")));
    EXPECT_EQ(last_refusal(), "address");
    EXPECT_THAT(shard.ask(upgrade()),
                AllOf(StartsWith("HTTP/1.1 429 Too Many Requests\r\n"), HasSubstr("Retry-After: 1\r\n")));
    EXPECT_THAT(shard.ask(get(with_sid("nobody"))), StartsWith("HTTP/1.1 400 ")) << "only handshakes count";
}

TEST_F(AddressLimitsOfEndpoints, ReadPollingBodiesNoFaster) {
    auto& shard = serve({0, 10'000});
    const auto target = with_sid(shard.open());
    EXPECT_THAT(shard.ask(post(target, "40")), EndsWith("ok"));
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_THAT(shard.ask(post(target, "42[\"a\",\"" + std::string(90'000, 'x') + "\"]")), EndsWith("ok"));
    EXPECT_THAT(shard.ask(post(target, "42[\"b\"]")), EndsWith("ok"));
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 900ms) << "10,000 bytes more than may come at once";
    EXPECT_GE(pauses.value(), 1);
}

TEST_F(AddressLimitsOfEndpoints, ReadFramesNoFaster) {
    auto& shard = serve({0, 20'000});
    auto client = shard.probe.connect();
    client.send(upgrade() + frame(0x81, "40"));
    client.read_until("40{\"sid\"");
    const auto begun = std::chrono::steady_clock::now();
    for (const std::string end : {"first", "second", "third"}) {
        client.send(frame(0x81, "42[\"a\",\"" + std::string(60'000, 'x') + end + "\"]"));
        client.read_until(end);
    }
    client.send(frame(0x81, "42[\"last\"]"));
    client.read_until("42[\"last\"]");
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 900ms) << "20,000 bytes more than may come at once";
    EXPECT_GE(pauses.value(), 1);
}

TEST_F(AddressLimitsOfEndpoints, APausedConnectionEndsWithItsShard) {
    auto& shard = serve({0, 1});
    auto client = shard.probe.connect();
    client.send(upgrade() + frame(0x81, "40"));
    client.read_until("40{\"sid\"");
    client.send(frame(0x81, "42[\"a\",\"" + std::string(1'000, 'x') + "\"]") + frame(0x81, "42[\"b\"]"));
    client.send(frame(0x81, "42[\"c\"]"));
    EXPECT_TRUE(eventually([this] { return pauses.value() >= 1; }));
    shard.between_turns([&shard] { shard.endpoint.close(); });
    EXPECT_TRUE(client.read_until_closed());
    shard_.reset();
    EXPECT_EQ(connections->taken(), 0U);
}

TEST_F(AddressLimitsOfEndpoints, HandshakesThatAreNotOverAreCounted) {
    auto& shard = serve({}, 2);
    const auto first = shard.open();
    const auto second = shard.open();
    EXPECT_EQ(pending->taken(), 2U);
    EXPECT_THAT(shard.ask(get(kPolling)), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 2\r\n")));
    EXPECT_THAT(shard.ask(upgrade()), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 2\r\n")));
    EXPECT_EQ(last_refusal(), "handshakes");
    EXPECT_EQ(connections->taken(), 2U);

    EXPECT_THAT(shard.ask(post(with_sid(first), "40")), EndsWith("ok"));
    EXPECT_EQ(pending->taken(), 1U) << "it has joined";
    EXPECT_THAT(shard.ask(post(with_sid(second), "1")), EndsWith("ok"));
    EXPECT_EQ(pending->taken(), 0U) << "it has gone without joining";
    EXPECT_THAT(shard.ask(post(with_sid(first), "1")), EndsWith("ok"));
    EXPECT_EQ(pending->taken(), 0U) << "once for each";
    EXPECT_EQ(connections->taken(), 0U);
    EXPECT_FALSE(shard.open().empty());
}

}  // namespace
}  // namespace carillon::http
