#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "metrics/registry.hpp"

namespace carillon::gateway {

/// What one shard has delivered and not yet reported: counted by itself, so that a delivery touches nothing shared.
struct DeliveryTally {
    std::uint64_t news = 0;
    std::uint64_t updates = 0;
    std::uint64_t counts = 0;
    metrics::LatencyTally latency;
};

/// The metrics of the sockets (api.md, "Metrics"). Thread: any; those of known names are found without a lock.
class GatewayMetrics {
 public:
    explicit GatewayMetrics(metrics::Registry& registry);

    void connection_opened(std::string_view transport);
    void connection_upgraded();
    /// `reason` is one of a fixed set: the Socket.IO server's and ours.
    void connection_closed(std::string_view transport, std::string_view reason);
    void auth_failed(std::string_view code);
    /// `reason` as the endpoint of the handshakes tells it.
    void handshake_refused(std::string_view reason);
    /// Names that are not in the contract count as "other".
    void received(std::string_view event);
    void sent(std::string_view event, std::size_t sockets);
    void counts_coalesced(std::size_t counts) { counts_coalesced_.increment(static_cast<double>(counts)); }
    /// Adds and empties it.
    void report(DeliveryTally& tally);

    metrics::Counter& rate_limited;
    metrics::Counter& address_pauses;
    metrics::Gauge& handshakes;
    metrics::Gauge& outbound_queue_bytes;
    /// What is kept of clients, by table: none of it without clients. Brought up to date each second, the limits more
    /// rarely.
    struct Held {
        metrics::Gauge& sessions;
        metrics::Gauge& sockets;
        metrics::Gauge& users;
        metrics::Gauge& arriving;
        metrics::Gauge& limits;
        metrics::Gauge& rest_limits;
        metrics::Gauge& addresses;
    } held;
    metrics::Histogram& delivery_latency;

 private:
    using EventCounters = std::unordered_map<std::string_view, metrics::Counter*>;
    static void count(const EventCounters& counters, std::string_view event, double by);

    // Constant after construction.
    metrics::Registry& registry_;
    metrics::Gauge& polling_;
    metrics::Gauge& websocket_;
    metrics::Counter& opened_;
    metrics::Counter& slow_consumers_;
    metrics::Counter& counts_coalesced_;
    EventCounters refused_;
    EventCounters received_;
    EventCounters sent_;
};

}  // namespace carillon::gateway
