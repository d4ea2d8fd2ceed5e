#include "loadtest/nats_source.hpp"

#include <utility>

#include "base/clock.hpp"
#include "contracts/json_writer.hpp"
#include "loadtest/http_source.hpp"

namespace carillon::loadtest {
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectTime = 5s;

}  // namespace

NatsSource::NatsSource(const Plan& plan, std::uint64_t run, Reactor& reactor, Endpoint endpoint, SourceEvents& events)
    : plan_{plan},
      reactor_{reactor},
      events_{events},
      text_{body_text(plan.source.body_bytes)},
      publisher_{reactor, std::move(endpoint), run,
                 [this](std::uint64_t tag, std::string_view error) { on_answer(tag, error); }} {}

void NatsSource::prepare() {
    publisher_.connect();
    const auto deadline = std::chrono::steady_clock::now() + kConnectTime;
    while (!publisher_.ready() && publisher_.failure().empty() && std::chrono::steady_clock::now() < deadline) {
        reactor_.turn(10ms);
    }
    if (publisher_.ready()) return;
    const std::string why = publisher_.failure().empty() ? "no answer" : publisher_.failure();
    throw SetupError("--nats-url: no NATS server at " + plan_.source.url + ": " + why);
}

void NatsSource::create(std::uint64_t sequence, base::UserId user, std::uint64_t number, std::string_view title) {
    if (!publisher_.ready()) return events_.on_create_failed(sequence, "NATS: " + publisher_.failure());
    const auto& clock = base::system_clock();
    const std::string event_id = base::EventId::generate(clock).to_string();
    std::string payload = "{\"eventId\":\"";
    payload += event_id;
    payload += "\",\"notificationId\":";
    contracts::append_id(payload, base::NotificationId::generate(clock));
    payload += ",\"userId\":";
    contracts::append_id(payload, user);
    payload += ",\"type\":\"loadtest\",\"title\":";
    contracts::append_json_string(payload, title);
    payload += ",\"body\":\"";
    payload += text_;
    payload += "\",\"createdAt\":";
    contracts::append_time(payload, clock.now());
    if (plan_.source.with_count) {
        payload += ",\"unreadCount\":";
        contracts::append_number(payload, number);
        payload += ",\"version\":";
        contracts::append_version(payload, number);
    }
    payload += '}';
    ++in_flight_;
    publisher_.publish(sequence, plan_.source.subject, event_id, payload);
}

void NatsSource::on_answer(std::uint64_t sequence, std::string_view error) {
    --in_flight_;
    if (error.empty()) return events_.on_created(sequence, std::chrono::steady_clock::now());
    events_.on_create_failed(sequence, "NATS: " + std::string{error});
}

std::string NatsSource::failure() const {
    return publisher_.failure().empty() ? std::string{} : "NATS: " + publisher_.failure();
}

}  // namespace carillon::loadtest
