// The part of Session that hears the clients.
#include <algorithm>
#include <utility>

#include "contracts/socket_events.hpp"
#include "loadtest/payload_text.hpp"
#include "loadtest/session.hpp"

namespace carillon::loadtest {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSyncAck = 1;
constexpr std::uint32_t kSyncLimit = 500;
constexpr auto kSyncAgain = 1s;

}  // namespace

void Session::on_ready(SocketIoClient& client, base::SteadyTime now) {
    ++progress_;
    fleet_.on_ready(client, now);
    if (!std::exchange(tabs_[client.index].connected_once, true)) ++result_.clients_connected;
    if (greets_.has_value() && !*greets_) begin_listening(client);
}

void Session::on_ended(SocketIoClient& client, std::string_view reason, bool was_ready) {
    // An attempt that fails brings nothing nearer.
    if (was_ready) ++progress_;
    // What it misses from now on is lost, unless a sync brings it: the server or the network dropped it.
    if (std::exchange(tabs_[client.index].current, false)) --current_;
    if (was_ready) reads_.excuse(client.user, client.tab);
    fleet_.on_ended(client, reason, was_ready);
}

void Session::begin_listening(SocketIoClient& client) {
    if (std::exchange(client.listening, true)) return;
    Tab& tab = tabs_[client.index];
    const bool back = std::exchange(tab.joined, true);
    if (back && syncs_.value_or(false)) return request_sync(client, std::chrono::steady_clock::now());
    tab.current = true;
    ++current_;
}

void Session::on_event(SocketIoClient& client, std::string_view name, std::string_view arguments,
                       base::SteadyTime now) {
    ++progress_;
    if (name == contracts::kNotificationNewEvent) {
        on_new(client, arguments, now);
    } else if (name == contracts::kNotificationUpdatedEvent) {
        on_updated(client, arguments, now);
    } else if (name == contracts::kUnreadCountUpdatedEvent) {
        if (!client.listening) {
            greets_ = true;
            // With a sync, what came before this is asked for; without, this is where listening begins.
            if (!tabs_[client.index].joined) client.version = number_field(arguments, "version");
            begin_listening(client);
        }
    } else if (name == contracts::kErrorEvent || name == "exception") {
        const auto code = text_field(arguments, "code");
        ++result_.errors[std::string{code.empty() ? text_field(arguments, "message") : code}];
    }
}

void Session::on_new(SocketIoClient& client, std::string_view payload, base::SteadyTime now) {
    const auto seen = deliveries_.live(client.user, client.tab, payload, now);
    // A client that is about to sync must ask from where it left off.
    if (tabs_[client.index].current) client.version = std::max(client.version, number_field(payload, "version"));
    if (seen.arrival != DeliveryLedger::Arrival::first) return;
    last_delivery_at_ = now;
    recorder_.delivered(seen.latency);
    if (!on_notification) return;
    if (const auto id = base::NotificationId::parse(text_field(payload, "notificationId"))) {
        on_notification(client, *id);
    }
}

void Session::on_updated(SocketIoClient& client, std::string_view payload, base::SteadyTime now) {
    if (tabs_[client.index].current) client.version = std::max(client.version, number_field(payload, "version"));
    const auto id = base::NotificationId::parse(text_field(payload, "notificationId"));
    if (!id) return;
    const auto seen = reads_.updated(client.user, client.tab, *id, now);
    if (!seen.first) return;
    last_read_at_ = now;
    result_.broadcast_latency.add(seen.latency);
}

void Session::on_ack(SocketIoClient& client, std::uint64_t id, std::string_view arguments, base::SteadyTime now) {
    ++progress_;
    if (id == kSyncAck) return on_synced(client, arguments);
    std::string refused;
    if (text_field(arguments, "ok") == "false") refused = text_field(arguments, "code");
    const auto seen = reads_.acked(id / 2 - 1, refused, now);
    if (!seen.first) return;
    last_read_at_ = now;
    recorder_.acked(seen.latency);
}

// --- Sync ------------------------------------------------------------------------------------------------------------

void Session::request_sync(SocketIoClient& client, base::SteadyTime when) {
    // The other tabs of the user may just have sent something.
    const auto allowed = std::max(when, allowance_.earliest(client.user));
    allowance_.take(client.user, allowed);
    if (allowed <= std::chrono::steady_clock::now()) return send_sync(client);
    due_syncs_.push({allowed, client.index});
}

void Session::send_sync(SocketIoClient& client) {
    client.emit(contracts::kNotificationSyncEvent, contracts::encode_sync_command({client.version, kSyncLimit}),
                kSyncAck);
}

void Session::on_synced(SocketIoClient& client, std::string_view arguments) {
    const auto answer = contracts::decode_ack_sync(arguments);
    if (!syncs_) {
        // The probe.
        syncs_ = answer.has_value();
        return;
    }
    Tab& tab = tabs_[client.index];
    if (tab.current || !client.listening) return;
    if (!answer) {
        ++result_.errors["sync: " + std::string{text_field(arguments, "code")}];
        return request_sync(client, std::chrono::steady_clock::now() + kSyncAgain);
    }
    for (const auto& row : answer->notifications) {
        deliveries_.synced(client.user, client.tab, row.title);
        client.version = std::max(client.version, row.version);
    }
    if (answer->has_more && !answer->notifications.empty()) {
        return request_sync(client, std::chrono::steady_clock::now());
    }
    client.version = std::max(client.version, answer->version);
    tab.current = true;
    ++current_;
}

}  // namespace carillon::loadtest
