#include "gateway/peers.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>

#include <array>

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;

constexpr const char* kService = "gateway";
constexpr auto kHoldSpare = 5s;
constexpr auto kSilenceMin = 60s;

/// An address of this machine that others may reach; the loopback's when it has no other.
std::string own_address() {
    ifaddrs* all = nullptr;
    std::string found = "127.0.0.1";
    if (::getifaddrs(&all) != 0) return found;
    for (const auto* one = all; one != nullptr; one = one->ifa_next) {
        const bool usable = one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_INET &&
                            (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_LOOPBACK) == 0;
        if (!usable) continue;
        std::array<char, NI_MAXHOST> text{};
        if (::getnameinfo(one->ifa_addr, sizeof(sockaddr_in), text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) ==
            0) {
            found = text.data();
            break;
        }
    }
    ::freeifaddrs(all);
    return found;
}

}  // namespace

std::shared_ptr<const socketio::SidCodec> make_sids(const GatewayConfig& config) {
    if (config.session_key.empty()) return std::make_shared<const socketio::SidCodec>();
    return std::make_shared<const socketio::SidCodec>(socketio::SidCodec::random_node(), config.session_key);
}

std::shared_ptr<const http::EnginePeers> make_peers(const GatewayConfig& config, const GatewayServices& services) {
    auto peers = std::make_shared<http::EnginePeers>();
    peers->find = [&nodes = services.nodes](std::string node) { return nodes.find(std::move(node)); };
    peers->doubt = [&nodes = services.nodes](const std::string& node) { nodes.doubt(node); };
    peers->sign = [&services] { return services.internal_tokens.sign(kService, services.clock.now()); };
    peers->verify = [&services](std::string_view token) {
        const auto caller = services.internal_tokens.verify(token, services.clock.now());
        return caller && *caller == kService;
    };
    peers->count = [&metrics = services.metrics](std::string_view result) {
        metrics
            .counter("forwarded_requests_total", "Requests for sessions of other gateways, by what became of them",
                     {{"result", std::string{result}}})
            .increment();
    };
    peers->tls_ca_file = config.peers_ca_file;
    // The owner answers a held GET with its next ping at the latest.
    peers->hold_max = config.ping_interval + config.ping_timeout + kHoldSpare;
    peers->silence_max =
        std::max<std::chrono::milliseconds>(2 * (config.ping_interval + config.ping_timeout), kSilenceMin);
    return peers;
}

std::string advertised_url(const GatewayConfig& config, std::uint16_t port) {
    if (!config.advertise_url.empty()) return config.advertise_url;
    const bool any = config.host == "0.0.0.0" || config.host == "::";
    auto host = any ? own_address() : config.host;
    if (host.find(':') != std::string::npos) host = '[' + host + ']';
    return "http://" + host + ':' + std::to_string(port);
}

}  // namespace carillon::gateway
