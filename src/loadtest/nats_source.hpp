#pragma once

#include <string>

#include "loadtest/nats_publisher.hpp"
#include "loadtest/notification_source.hpp"

namespace carillon::loadtest {

/// Puts `notification.created` straight onto the stream that gateways follow, as the notification service would.
class NatsSource final : public NotificationSource {
 public:
    NatsSource(const Plan& plan, std::uint64_t run, Reactor& reactor, Endpoint endpoint, SourceEvents& events);

    void prepare() override;
    void create(std::uint64_t sequence, base::UserId user, std::uint64_t number, std::string_view title) override;
    bool takes_more() const override { return publisher_.ready() && in_flight_ < plan_.source.window; }
    std::size_t in_flight() const override { return in_flight_; }
    void tick(base::SteadyTime) override {}
    std::string failure() const override;

 private:
    void on_answer(std::uint64_t sequence, std::string_view error);

    // Constant after construction
    const Plan& plan_;
    Reactor& reactor_;
    SourceEvents& events_;
    std::string text_;

    NatsPublisher publisher_;
    std::size_t in_flight_ = 0;
};

}  // namespace carillon::loadtest
