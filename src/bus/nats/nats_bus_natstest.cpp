#include "bus/nats/nats_bus.hpp"

#include <gtest/gtest.h>

#include "bus/nats/dead_letter_box.hpp"
#include "bus/testing/bus_conformance.hpp"
#include "bus/testing/nats_server.hpp"
#include "bus/testing/recorder.hpp"

namespace carillon::bus {
namespace {

using namespace std::chrono_literals;

NatsOptions fast_options(const testing::NatsServer& server) {
    NatsOptions options;
    options.urls = {server.url()};
    options.retry_pause_min = 1ms;
    options.retry_pause_max = 4ms;
    options.deliveries_max = 5;
    options.streams = {StreamName::user_event, StreamName::notification_event, StreamName::dead_letter};
    return options;
}

class NatsBusUnderTest final : public testing::BusUnderTest {
 public:
    NatsBusUnderTest() {
        bus_.start();
        testing::eventually([this] { return bus_.available(); });
    }

    Bus& bus() override { return bus_; }
    std::vector<DeadLetter> dead_letters() override {
        if (!box_) {
            auto opened = DeadLetterBox::open(fast_options(server_));
            if (!opened) return {};
            box_ = std::move(*opened);
        }
        const auto kept = box_->list(1'000);
        if (!kept) return {};
        std::vector<DeadLetter> letters;
        for (const auto& letter : *kept) {
            letters.push_back({{{letter.subject, letter.message_id, letter.payload, letter.traceparent},
                                letter.sequence,
                                letter.deliveries},
                               letter.reason});
        }
        return letters;
    }
    std::uint32_t deliveries_max() const override { return fast_options(server_).deliveries_max; }
    void stop() override { bus_.stop(); }

 private:
    testing::NatsServer server_;
    NatsBus bus_{fast_options(server_)};
    std::unique_ptr<DeadLetterBox> box_;
};

std::unique_ptr<testing::BusUnderTest> make_under_test() {
    return std::make_unique<NatsBusUnderTest>();
}

}  // namespace

namespace testing {
INSTANTIATE_TEST_SUITE_P(Nats, BusConformance, ::testing::Values(BusFactory{make_under_test}));
}  // namespace testing

}  // namespace carillon::bus
