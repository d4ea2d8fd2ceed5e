// The whole gateway: an event as it comes off the bus, decoded, put in order, encoded, and sent to the user's sockets.
#include <algorithm>
#include <stdexcept>
#include <unordered_map>

#include "base/clock.hpp"
#include "bus/bus.hpp"
#include "bus/local/local_node_registry.hpp"
#include "contracts/bus_events.hpp"
#include "gateway/comeback.hpp"
#include "gateway/fake_apis.hpp"
#include "gateway/gateway.hpp"
#include "metrics/registry.hpp"
#include "sender.hpp"

namespace carillon::bench {
namespace {

constexpr const char* kSecret = "a secret of the bench, long enough to be one";

/// A bus that only has a follower, which the bench feeds.
class FollowedBus final : public bus::Bus {
 public:
    loop::Task<base::Result<void>> publish(bus::Message) override { co_return base::Result<void>{}; }
    std::unique_ptr<bus::Subscription> consume(bus::Consumer) override { return nullptr; }
    std::unique_ptr<bus::Subscription> follow(bus::Follower follower) override {
        // The gateway has others: of revocations.
        const auto& subjects = follower.subjects;
        if (std::find(subjects.begin(), subjects.end(), bus::subject::kNotificationCreated) != subjects.end()) {
            follower_ = std::move(follower);
        }
        return std::make_unique<bus::Subscription>();
    }
    loop::Task<base::Result<void>> dead_letter(bus::DeadLetter) override {
        throw std::logic_error{"the bench published an event that breaks the contract"};
    }
    void announce(std::string, std::string) override {}
    std::unique_ptr<bus::Subscription> listen(bus::Listener) override { return std::make_unique<bus::Subscription>(); }
    bool available() const override { return true; }

    void hand_over(const bus::Delivery& delivery) { follower_.on_message(delivery); }

 private:
    bus::Follower follower_;
};

/// Knows the versions that were sent, as a service that published them would.
class BenchApi final : public gateway::testing::FakeNotificationApi {
 public:
    loop::Task<gateway::ApiResult<std::vector<gateway::InboxCount>>> counts(std::vector<base::UserId> users) override {
        std::vector<gateway::InboxCount> found;
        for (const auto& user : users) found.push_back({sent[user], sent[user]});
        co_return found;
    }
    std::unordered_map<base::UserId, base::Version> sent;
};

gateway::GatewayConfig gateway_config(const SenderPlan& plan) {
    gateway::GatewayConfig config;
    config.port = 0;
    config.max_connections = static_cast<std::uint32_t>(plan.sockets + 100);
    config.ping_interval = std::chrono::hours{1};  // the reader does not answer
    config.max_sockets_per_user = static_cast<std::uint32_t>(plan.tabs);
    return config;
}

class GatewaySender final : public Sender {
 public:
    GatewaySender(const SenderPlan& plan, boost::asio::io_context& context)
        : plan_{plan},
          context_{context},
          verifier_{token::make_secret_verifier(kSecret, {})},
          gateway_{
              gateway_config(plan),
              {context.get_executor()},
              {api_, accounts_, *verifier_, bus_, metrics_, base::system_clock(), internal_tokens_, nodes_, pids_}} {
        for (std::size_t i = 0; i < plan.users(); ++i) {
            const auto id = base::UserId::generate(base::system_clock());
            users_.push_back({id, 0, &api_.sent[id]});
        }
        // The text is what makes the frame as long as it is to be.
        const std::size_t bare = contracts::encode_notification_new(notification(users_[0]), 1).size();
        const std::size_t around = sizeof("42[\"notification:new\",]") - 1 + 4;
        if (plan.frame_bytes > bare + around) text_.assign(plan.frame_bytes - bare - around, 'x');
        gateway_.start();
    }
    // The gateway is left to the end of the process: it is to be stopped from another thread than its own.

    const char* name() const override { return "gateway"; }
    std::uint16_t port() const override { return gateway_.port(); }
    Hello hello() const override { return Hello::socketio; }
    std::vector<std::string> tokens() const override {
        const token::UserTokenSigner signer{kSecret, "carillon", "carillon"};
        std::vector<std::string> tokens;
        for (std::size_t i = 0; i < plan_.sockets; ++i) {
            tokens.push_back(signer.sign(users_[i % users_.size()].id, {std::string{token::permission::kRead}},
                                         std::chrono::hours{1}, base::system_clock().now()));
        }
        return tokens;
    }

    void prepare(std::uint64_t deliveries) override {
        events_.clear();
        for (std::uint64_t made = 0; made < deliveries; made += plan_.tabs) events_.push_back(make_event());
    }

    std::uint64_t send(std::uint64_t) override {
        for (std::size_t i = 0; i < events_.size();) {
            const std::size_t end = std::min(events_.size(), i + plan_.events_per_turn);
            for (; i < end; ++i) {
                ++*users_[handed_over_++ % users_.size()].sent;
                bus_.hand_over(events_[i]);
            }
            context_.poll();
        }
        return events_.size() * plan_.tabs;
    }

 private:
    struct User {
        base::UserId id;
        base::Version version = 0;
        base::Version* sent = nullptr;
    };

    contracts::Notification notification(const User& user) const {
        contracts::Notification one;
        one.id = base::NotificationId::generate(base::system_clock());
        one.user_id = user.id;
        one.type = "bench";
        one.title = "A message from a colleague";
        if (!text_.empty()) one.body = text_;
        one.created_at = base::system_clock().now();
        one.version = user.version;
        return one;
    }

    bus::Delivery make_event() {
        User& user = users_[next_++ % users_.size()];
        ++user.version;
        contracts::NotificationCreated event;
        event.event_id = base::EventId::generate(base::system_clock());
        event.notification = notification(user);
        event.unread_count = user.version;
        event.version = user.version;
        bus::Delivery delivery;
        delivery.message.subject = bus::subject::kNotificationCreated;
        delivery.message.payload = contracts::encode_bus_event(event);
        delivery.sequence = next_;
        return delivery;
    }

    const SenderPlan plan_;
    boost::asio::io_context& context_;
    metrics::Registry metrics_;
    BenchApi api_;
    gateway::testing::FakeAuthApi accounts_;
    std::unique_ptr<token::UserTokenVerifier> verifier_;
    FollowedBus bus_;
    token::InternalTokens internal_tokens_{kSecret};
    bus::LocalNodeRegistry nodes_;
    gateway::PidSealer pids_{kSecret};
    gateway::Gateway gateway_;
    std::vector<User> users_;
    std::string text_;
    std::vector<bus::Delivery> events_;
    std::size_t next_ = 0;
    std::size_t handed_over_ = 0;
};

}  // namespace

std::unique_ptr<Sender> make_gateway_sender(const SenderPlan& plan, boost::asio::io_context& context) {
    return std::make_unique<GatewaySender>(plan, context);
}

}  // namespace carillon::bench
