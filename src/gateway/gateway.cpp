#include "gateway/gateway.hpp"

#include <atomic>
#include <future>
#include <stdexcept>
#include <utility>

#include "base/log.hpp"
#include "gateway/event_follower.hpp"
#include "gateway/gateway_metrics.hpp"
#include "gateway/peers.hpp"
#include "gateway/public_rest.hpp"
#include "gateway/rate_limiter.hpp"
#include "gateway/revocation_follower.hpp"
#include "gateway/revocation_list.hpp"
#include "gateway/shard.hpp"
#include "loop/suspend.hpp"

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kShardsMax = 64;
constexpr auto kStopTimeout = 5s;
constexpr auto kForgetLimits = 5s;

http::Verifiers user_verifier(const token::UserTokenVerifier& tokens) {
    http::Verifiers verifiers;
    verifiers.user = &tokens;
    return verifiers;
}

http::AddressLimitsConfig address_limits(const GatewayConfig& config, GatewayMetrics& metrics) {
    http::AddressLimitsConfig limits;
    limits.rates = config.address_rates;
    limits.loopback = config.loopback_address_rates;
    limits.trusted_proxies = config.trusted_proxies;
    limits.pauses = &metrics.address_pauses;
    return limits;
}

}  // namespace

struct Gateway::Impl {
    Impl(GatewayConfig given, const std::vector<loop::Executor>& executors, GatewayServices leaned_on)
        : config{std::move(given)},
          services{leaned_on},
          metrics{services.metrics},
          limiter{services.clock, config.rate_limit},
          rest{services.notifications, services.accounts,  services.clock, metrics,
               config.rest_rate_limit, config.cors_origins},
          router{services.clock, services.metrics, user_verifier(tokens), "gateway"},
          addresses{std::make_shared<http::AddressLimits>(services.clock, address_limits(config, metrics))},
          sids{make_sids(config)} {
        if (executors.empty() || executors.size() > kShardsMax) {
            throw std::invalid_argument{"a gateway has 1 to 64 shards"};
        }
    }

    void build_shards(const std::vector<loop::Executor>& executors);
    /// A client has come back: every other shard is told, and every other gateway.
    void tell_all(const RecoveryNotice& notice, std::size_t from);
    void tell_shards(const RecoveryNotice& notice, std::optional<std::size_t> but);
    /// To what other gateways tell.
    void listen();
    /// Forgets the limits that nobody needs, now and then. On the first shard's thread.
    void forget_limits();
    loop::Task<http::Readiness> readiness();

    // Constant after construction.
    const GatewayConfig config;
    const GatewayServices services;

    RevocationList revocations;
    const RevocationVerifier tokens{services.tokens, revocations};
    GatewayMetrics metrics;
    RateLimiter limiter;
    PublicRest rest;
    http::Router router;
    const std::shared_ptr<http::AddressLimits> addresses;
    const std::shared_ptr<const socketio::SidCodec> sids;
    std::vector<std::unique_ptr<Shard>> shards;
    /// Lives on the first shard's thread and uses its deadlines.
    std::shared_ptr<EventFollower> follower;
    std::unique_ptr<bus::Subscription> notices;
    std::shared_ptr<RevocationFollower> revocation_follower;
    std::atomic<bool> draining{false};
    bool stopped = false;
};

void Gateway::Impl::build_shards(const std::vector<loop::Executor>& executors) {
    const ShardServices shared{services.clock,
                               tokens,
                               services.notifications,
                               limiter,
                               metrics,
                               services.pids,
                               router,
                               std::make_shared<http::ConnectionBudget>(config.max_connections),
                               std::make_shared<http::ConnectionBudget>(config.max_handshakes, &metrics.handshakes),
                               addresses,
                               sids,
                               make_peers(config, services),
                               revocations};
    std::vector<http::EngineEndpoint*> endpoints;
    std::vector<ShardLink> links;
    for (std::size_t i = 0; i < executors.size(); ++i) {
        // A port that was picked for the first is the others' too.
        const std::uint16_t port = i == 0 ? config.port : shards.front()->port();
        const auto sharing = executors.size() == 1 ? http::PortSharing::none
                             : i == 0              ? http::PortSharing::founds
                                                   : http::PortSharing::joins;
        shards.push_back(
            std::make_unique<Shard>(executors[i], static_cast<std::uint16_t>(i), port, sharing, config, shared));
        endpoints.push_back(&shards.back()->endpoint());
        links.push_back({executors[i], shards.back().get()});
    }
    for (auto& shard : shards) shard->endpoint().set_siblings(endpoints);
    follower = std::make_shared<EventFollower>(executors.front(), links, services.notifications, services.bus,
                                               services.clock, services.metrics, shards.front()->deadlines());
    std::vector<Shard*> all;
    for (auto& shard : shards) all.push_back(shard.get());
    revocation_follower = std::make_shared<RevocationFollower>(
        executors.front(), services.accounts, services.bus, services.clock, revocations,
        [all](const contracts::Revocation& revocation) {
            for (Shard* shard : all) {
                loop::post(shard->executor(), [shard, revocation] { shard->end_revoked(revocation); });
            }
        });
    for (std::size_t i = 0; i < shards.size(); ++i) {
        shards[i]->report_sockets(
            [to = follower, i](base::UserId user, Newcomer newcomer) {
                newcomer.shard = i;
                to->attach(user, std::move(newcomer));
            },
            [to = follower, i](base::UserId user) { to->detach(user, i); },
            [this, i](const RecoveryNotice& notice) { tell_all(notice, i); });
    }
}

void Gateway::Impl::tell_shards(const RecoveryNotice& notice, std::optional<std::size_t> but) {
    for (std::size_t i = 0; i < shards.size(); ++i) {
        if (i == but) continue;
        loop::post(shards[i]->executor(), [shard = shards[i].get(), notice] { shard->give_way(notice); });
    }
}

void Gateway::Impl::tell_all(const RecoveryNotice& notice, std::size_t from) {
    tell_shards(notice, from);
    services.bus.announce(kRecoverySubject, encode_recovery_notice(notice));
}

void Gateway::Impl::listen() {
    bus::Listener listener;
    listener.subject = kRecoverySubject;
    listener.executor = shards.front()->executor();
    listener.on_message = [this](const std::string& payload) {
        if (const auto notice = decode_recovery_notice(payload)) tell_shards(*notice, std::nullopt);
    };
    notices = services.bus.listen(std::move(listener));
}

void Gateway::Impl::forget_limits() {
    limiter.forget_idle();
    addresses->forget_idle();
    metrics.held.addresses.set(static_cast<double>(addresses->remembered()));
    metrics.held.limits.set(static_cast<double>(limiter.remembered()));
    metrics.held.rest_limits.set(static_cast<double>(rest.forget_idle_limits()));
    shards.front()->deadlines().add(services.clock.steady_now() + kForgetLimits, [this] { forget_limits(); });
}

loop::Task<http::Readiness> Gateway::Impl::readiness() {
    http::Readiness readiness;
    readiness.draining = draining.load();
    const bool notifications_ready = co_await services.notifications.ready();
    const bool accounts_ready = co_await services.accounts.ready();
    readiness.dependencies.push_back({"notifications", notifications_ready, {}});
    readiness.dependencies.push_back({"auth", accounts_ready, {}});
    readiness.dependencies.push_back({"bus", services.bus.available(), {}});
    co_return readiness;
}

Gateway::Gateway(GatewayConfig config, std::vector<loop::Executor> shards, GatewayServices services,
                 const ExtraRoutes& extra_routes)
    : impl_{std::make_unique<Impl>(std::move(config), shards, services)} {
    impl_->rest.add_routes(impl_->router);
    if (impl_->config.ops_routes) {
        http::add_ops_routes(impl_->router, services.metrics, [impl = impl_.get()] { return impl->readiness(); });
    }
    if (extra_routes) extra_routes(impl_->router);
    impl_->build_shards(shards);
}

Gateway::~Gateway() {
    if (impl_->stopped) return;
    impl_->notices.reset();
    impl_->follower->stop();
    impl_->revocation_follower->stop();
    for (auto& shard : impl_->shards) shard->close();
}

std::uint16_t Gateway::port() const {
    return impl_->shards.front()->port();
}

void Gateway::start() {
    impl_->follower->start();
    impl_->revocation_follower->start();
    impl_->listen();
    // Before the first session: its requests may come to another gateway.
    const auto url = advertised_url(impl_->config, port());
    impl_->services.nodes.join({impl_->sids->node(), url});
    for (auto& shard : impl_->shards) shard->serve();
    loop::post(impl_->shards.front()->executor(), [impl = impl_.get()] { impl->forget_limits(); });
    base::log_info("gateway listens", {{"host", impl_->config.host},
                                       {"port", port()},
                                       {"shards", impl_->shards.size()},
                                       {"node", impl_->sids->node()},
                                       {"advertised", url}});
}

namespace {

/// Reports when the last of several has finished.
struct Countdown {
    std::atomic<std::size_t> left;
    loop::Resume<bool> done;

    void finish() {
        if (left.fetch_sub(1) == 1) done(true);
    }
};

loop::Task<void> drain_shard(Shard* shard, std::chrono::milliseconds window, std::shared_ptr<Countdown> countdown) {
    try {
        co_await shard->drain(window);
    } catch (const std::exception& error) {
        base::log_error("drain failed", {{"error", error.what()}});
    }
    countdown->finish();
}

}  // namespace

loop::Task<void> Gateway::drain(std::chrono::milliseconds window) {
    impl_->draining = true;
    base::log_info("gateway drains", {{"window_ms", window.count()}});
    for (auto& shard : impl_->shards) shard->refuse_handshakes();
    std::function<void(loop::Resume<bool>)> start = [impl = impl_.get(), window](loop::Resume<bool> resume) {
        auto countdown = std::make_shared<Countdown>();
        countdown->left = impl->shards.size();
        countdown->done = std::move(resume);
        for (auto& shard : impl->shards) {
            loop::spawn(shard->executor(), drain_shard(shard.get(), window, countdown), "gateway: drain");
        }
    };
    co_await loop::suspend<bool>(start);
}

void Gateway::stop() {
    if (std::exchange(impl_->stopped, true)) return;
    impl_->services.nodes.leave();
    impl_->notices.reset();
    std::vector<std::future<void>> closed;
    for (auto& shard : impl_->shards) {
        auto done = std::make_shared<std::promise<void>>();
        closed.push_back(done->get_future());
        const bool first = shard == impl_->shards.front();
        loop::post(shard->executor(), [shard = shard.get(), first, follower = impl_->follower,
                                       revocations = impl_->revocation_follower, done] {
            if (first) follower->stop();
            if (first) revocations->stop();
            shard->close();
            done->set_value();
        });
    }
    const auto deadline = std::chrono::steady_clock::now() + kStopTimeout;
    for (auto& future : closed) future.wait_until(deadline);
}

loop::Task<http::Readiness> Gateway::readiness() {
    return impl_->readiness();
}

}  // namespace carillon::gateway
