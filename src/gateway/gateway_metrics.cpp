#include "gateway/gateway_metrics.hpp"

#include <initializer_list>
#include <utility>

#include "contracts/socket_events.hpp"

namespace carillon::gateway {
namespace {

constexpr const char* kActiveHelp = "Open Engine.IO sessions, by transport";
constexpr std::string_view kOther = "other";

metrics::Gauge& held_gauge(metrics::Registry& registry, const std::string& table) {
    return registry.gauge("clients_held", "Entries in the tables of clients", {{"table", table}});
}

std::unordered_map<std::string_view, metrics::Counter*> event_counters(metrics::Registry& registry,
                                                                       const std::string& name, const std::string& help,
                                                                       std::initializer_list<std::string_view> events) {
    std::unordered_map<std::string_view, metrics::Counter*> counters;
    for (const auto event : events) {
        counters.emplace(event, &registry.counter(name, help, {{"event", std::string{event}}}));
    }
    return counters;
}

std::unordered_map<std::string_view, metrics::Counter*> refusal_counters(metrics::Registry& registry) {
    std::unordered_map<std::string_view, metrics::Counter*> counters;
    for (const auto* reason : {"draining", "address", "handshakes", "connections"}) {
        counters.emplace(reason, &registry.counter("handshakes_refused_total", "Engine.IO handshakes refused",
                                                   {{"reason", reason}}));
    }
    return counters;
}

}  // namespace

GatewayMetrics::GatewayMetrics(metrics::Registry& registry)
    : rate_limited{registry.counter("rate_limited_total", "Socket messages and REST requests refused by a rate limit")},
      address_pauses{registry.counter("address_pauses_total",
                                      "Waits before more was read from an address that sent more than it may")},
      handshakes{registry.gauge("handshakes_active", "Engine.IO sessions that have not joined a namespace yet")},
      outbound_queue_bytes{registry.gauge("outbound_queue_bytes", "Bytes queued for sockets and not yet taken")},
      held{held_gauge(registry, "sessions"), held_gauge(registry, "sockets"), held_gauge(registry, "users"),
           held_gauge(registry, "arriving"), held_gauge(registry, "limits"),  held_gauge(registry, "rest_limits"),
           held_gauge(registry, "addresses")},
      delivery_latency{registry.histogram("delivery_latency_seconds", "From the event's time to the sockets' queues")},
      registry_{registry},
      polling_{registry.gauge("connections_active", kActiveHelp, {{"transport", "polling"}})},
      websocket_{registry.gauge("connections_active", kActiveHelp, {{"transport", "websocket"}})},
      opened_{registry.counter("connections_total", "Engine.IO sessions opened")},
      slow_consumers_{registry.counter("slow_consumers_total", "Connections closed because their queue ran over")},
      counts_coalesced_{registry.counter(
          "counts_coalesced_total", "Unread counts not sent, as a newer one came while the socket did not take them")},
      refused_{refusal_counters(registry)},
      received_{event_counters(registry, "messages_received_total", "Events from sockets",
                               {contracts::kAuthEvent, contracts::kNotificationReadEvent,
                                contracts::kNotificationReadAllEvent, contracts::kNotificationSyncEvent, kOther})},
      sent_{event_counters(
          registry, "messages_sent_total", "Events to sockets, counted per socket",
          {contracts::kNotificationNewEvent, contracts::kNotificationUpdatedEvent, contracts::kUnreadCountUpdatedEvent,
           contracts::kAuthExpiringEvent, contracts::kServerDrainingEvent, contracts::kErrorEvent, kOther})} {}

void GatewayMetrics::connection_opened(std::string_view transport) {
    opened_.increment();
    (transport == "websocket" ? websocket_ : polling_).add(1);
}

void GatewayMetrics::connection_upgraded() {
    polling_.add(-1);
    websocket_.add(1);
}

void GatewayMetrics::connection_closed(std::string_view transport, std::string_view reason) {
    (transport == "websocket" ? websocket_ : polling_).add(-1);
    registry_.counter("disconnections_total", "Engine.IO sessions closed", {{"reason", std::string{reason}}})
        .increment();
    if (reason == "slow consumer") slow_consumers_.increment();
}

void GatewayMetrics::auth_failed(std::string_view code) {
    registry_.counter("auth_failures_total", "Refused authentications", {{"code", std::string{code}}}).increment();
}

void GatewayMetrics::handshake_refused(std::string_view reason) {
    refused_.at(reason)->increment();
}

void GatewayMetrics::received(std::string_view event) {
    count(received_, event, 1);
}

void GatewayMetrics::sent(std::string_view event, std::size_t sockets) {
    count(sent_, event, static_cast<double>(sockets));
}

void GatewayMetrics::report(DeliveryTally& tally) {
    if (const auto sockets = std::exchange(tally.news, 0); sockets > 0) sent(contracts::kNotificationNewEvent, sockets);
    if (const auto sockets = std::exchange(tally.updates, 0); sockets > 0) {
        sent(contracts::kNotificationUpdatedEvent, sockets);
    }
    if (const auto sockets = std::exchange(tally.counts, 0); sockets > 0) {
        sent(contracts::kUnreadCountUpdatedEvent, sockets);
    }
    if (tally.latency.empty()) return;
    delivery_latency.add(tally.latency);
    tally.latency.clear();
}

void GatewayMetrics::count(const EventCounters& counters, std::string_view event, double by) {
    const auto found = counters.find(event);
    (found == counters.end() ? counters.at(kOther) : found->second)->increment(by);
}

}  // namespace carillon::gateway
