#include "loadtest/fleet.hpp"

#include <algorithm>
#include <utility>

namespace carillon::loadtest {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kClientsPerSource = 5'000;
constexpr int kAttemptsMax = 20;
/// As a stock client waits: doubled from attempt to attempt, with as much chance.
constexpr std::chrono::milliseconds kFirstRetry{200};
constexpr std::chrono::milliseconds kLongestRetry{2'000};
/// A pause in the opening must not be caught up with in one burst.
constexpr double kCatchUpSeconds = 0.05;

}  // namespace

Fleet::Fleet(const Plan& plan, Reactor& reactor, ClientEvents& events, const UserTokens& users)
    : plan_{plan}, users_{users}, tabs_{static_cast<std::uint32_t>(plan.tabs)}, settings_{plan.path, plan.nsp} {
    for (const auto& url : plan.urls) endpoints_.push_back(resolve_endpoint(url, "--url"));
    if (!plan.standby_url.empty()) standby_ = resolve_endpoint(plan.standby_url, "--standby-url");
    const bool loopback =
        std::all_of(endpoints_.begin(), endpoints_.end(), [](const Endpoint& one) { return one.loopback_v4(); });
    const std::size_t clients = plan.clients();
    std::size_t sources = plan.source_addresses;
    if (sources == 0 && loopback && clients > kClientsPerSource) {
        sources = (clients + kClientsPerSource - 1) / kClientsPerSource;
    }
    if (sources > 0 && !loopback) throw SetupError("--source-addresses: works with a loopback target only");
    for (std::size_t i = 0; i < sources; ++i) sources_.push_back(loopback_source(i));
    clients_.reserve(clients);
    for (std::uint32_t i = 0; i < clients; ++i) {
        clients_.push_back(std::make_unique<SocketIoClient>(reactor, events, settings_, i / tabs_, i % tabs_, i));
    }
    set_pace(plan.connect_rate, plan.connecting);
}

void Fleet::set_pace(double rate, std::size_t connecting) {
    rate_ = rate;
    connecting_max_ = connecting;
    pace_since_ = std::chrono::steady_clock::now();
    paced_ = 0;
}

void Fleet::want(SocketIoClient& client, base::SteadyTime when) {
    if (!client.wanted) ++wanted_;
    client.wanted = true;
    client.attempts = 0;
    client.asked_at = when;
    due_.push({when, client.index});
}

void Fleet::leave(SocketIoClient& client) {
    if (client.ready()) --ready_;
    if (!client.idle() && !client.ready()) --connecting_;
    if (client.wanted) --wanted_;
    client.wanted = false;
}

void Fleet::release(SocketIoClient& client) {
    leave(client);
    client.close();
}

void Fleet::lose(SocketIoClient& client) {
    leave(client);
    client.lose();
}

void Fleet::tick(base::SteadyTime now) {
    expire(now);
    if (due_.empty()) {
        pace_since_ = now;
        paced_ = 0;
        return;
    }
    double allowed = 0;
    if (rate_ > 0) {
        const std::chrono::duration<double> since = now - pace_since_;
        allowed = since.count() * rate_ - paced_;
        const double most = std::max(1.0, kCatchUpSeconds * rate_);
        if (allowed > most) {
            paced_ += allowed - most;
            allowed = most;
        }
    }
    while (!due_.empty() && due_.top().when <= now && connecting_ < connecting_max_) {
        if (rate_ > 0 && allowed < 1) return;
        SocketIoClient& client = *clients_[due_.top().index];
        due_.pop();
        if (!client.wanted || !client.idle()) continue;
        allowed -= 1;
        paced_ += 1;
        begin(client);
    }
}

void Fleet::begin(SocketIoClient& client) {
    ++counts_.attempts;
    ++client.attempts;
    std::string reason;
    const sockaddr_in* const source = sources_.empty() ? nullptr : &sources_[client.index % sources_.size()];
    // As behind a balancer: who is not let in is passed on to the other one.
    const bool elsewhere = standby_ && client.attempts % 2 == 0;
    const Endpoint& endpoint = elsewhere ? *standby_ : endpoints_[client.index % endpoints_.size()];
    if (!client.connect(endpoint, source, users_.tokens[client.user], reason)) return attempt_failed(client, reason);
    ++connecting_;
    under_way_.emplace_back(client.started_at(), client.index);
}

void Fleet::expire(base::SteadyTime now) {
    while (!under_way_.empty()) {
        const auto [since, index] = under_way_.front();
        SocketIoClient& client = *clients_[index];
        const bool settled = client.idle() || client.ready() || client.started_at() != since;
        if (!settled && now - since < plan_.connect_timeout) return;
        under_way_.pop_front();
        if (settled) continue;
        --connecting_;
        client.lose();
        attempt_failed(client, "no answer in time");
    }
}

void Fleet::on_ready(SocketIoClient& client, base::SteadyTime now) {
    --connecting_;
    ++ready_;
    ++counts_.connected;
    client.attempts = 0;
    connect_latency_.add(now - client.started_at());
}

void Fleet::on_ended(SocketIoClient& client, std::string_view reason, bool was_ready) {
    if (!was_ready) {
        --connecting_;
        return attempt_failed(client, reason);
    }
    --ready_;
    ++counts_.dropped;
    ++counts_.drops[std::string{reason}];
    ended_wanted(client, reason);
}

void Fleet::attempt_failed(SocketIoClient& client, std::string_view reason) {
    ++counts_.failed;
    ++counts_.failures[std::string{reason}];
    if (!retry) {
        ++given_up_;
        return;
    }
    ended_wanted(client, reason);
}

void Fleet::ended_wanted(SocketIoClient& client, std::string_view reason) {
    if (!client.wanted) return;
    if (reason.starts_with("refused") || client.attempts >= kAttemptsMax) {
        ++given_up_;
        return;
    }
    if (standby_ && client.attempts % 2 == 1) return due_.push({std::chrono::steady_clock::now(), client.index});
    const auto wait =
        std::min<std::chrono::milliseconds>(kFirstRetry * (1U << std::min(client.attempts, 6U)), kLongestRetry);
    std::uniform_int_distribution<std::int64_t> chance{wait.count() / 2, wait.count() * 3 / 2};
    due_.push({std::chrono::steady_clock::now() + std::chrono::milliseconds{chance(random_)}, client.index});
}

}  // namespace carillon::loadtest
