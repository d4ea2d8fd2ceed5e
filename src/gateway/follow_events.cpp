// The part of EventFollower that takes events from the bus.
#include "base/log.hpp"
#include "gateway/event_follower.hpp"

namespace carillon::gateway {
namespace {

using namespace std::chrono_literals;

constexpr auto kMissingRetry = 500ms;
constexpr int kMissingAttempts = 4;
constexpr int kDeadLettersMax = 64;

/// An event that waits keeps its trace for the log only.
std::string kept(std::string_view traceparent) {
    return logs_deliveries() ? std::string{traceparent} : std::string{};
}

}  // namespace

void EventFollower::on_message(const bus::Delivery& delivery) {
    const auto& message = delivery.message;
    if (message.subject == bus::subject::kNotificationCreated) {
        const auto scanned = contracts::scan_created_event(message.payload);
        if (scanned && pass_on(*scanned, message.traceparent)) return;
        auto event = scanned ? contracts::to_event(*scanned) : contracts::decode_notification_created(message.payload);
        if (!event) return refuse(delivery, event.error().summary());
        on_created(std::move(*event), message.traceparent);
    } else if (message.subject == bus::subject::kNotificationUpdated) {
        auto event = contracts::decode_bus_notification_updated(message.payload);
        if (!event) return refuse(delivery, event.error().summary());
        on_updated(*event, message.traceparent);
    }
}

bool EventFollower::pass_on(const contracts::CreatedEventText& event, std::string_view traceparent) {
    const auto found = users_.find(event.user_id);
    if (found == users_.end()) {
        count_event(bus::subject::kNotificationCreated, EventResult::no_socket);
        return true;
    }
    auto& held = found->second;
    if (recoveries_.contains(event.user_id) || brought_up_.contains(event.user_id)) return false;
    if (event.socket_event_members.empty() || !held.order.take_next(*event.version, *event.unread_count)) return false;
    encoder_.add(event, held.order.offset(), traceparent);
    hand_over(held, encoder_.take(event.user_id));
    count_event(bus::subject::kNotificationCreated, EventResult::sent);
    if (!held.order.at_rest()) {
        held.order.trim(clock_.steady_now());
        set_deadline(event.user_id, held);
    }
    return true;
}

void EventFollower::on_created(contracts::NotificationCreated event, std::string_view traceparent) {
    const auto user = event.notification.user_id;
    if (!users_.contains(user)) return count_event(bus::subject::kNotificationCreated, EventResult::no_socket);
    const bool complete = event.version && *event.version > 0 && event.unread_count;
    if (!complete) {
        if (!seen_.first_time(event.event_id))
            return count_event(bus::subject::kNotificationCreated, EventResult::duplicate);
        return ask_for_missing(std::move(event), kept(traceparent), kMissingAttempts);
    }
    InboxEvent change;
    change.unread = *event.unread_count;
    change.version = *event.version;
    change.created_at = event.notification.created_at;
    change.change = std::move(event.notification);
    change.traceparent = kept(traceparent);
    offer(user, std::move(change), bus::subject::kNotificationCreated);
}

void EventFollower::on_updated(const contracts::NotificationUpdated& event, std::string_view traceparent) {
    if (!users_.contains(event.user_id)) return count_event(bus::subject::kNotificationUpdated, EventResult::no_socket);
    if (event.change.version == 0) return count_event(bus::subject::kNotificationUpdated, EventResult::stale);
    InboxEvent change;
    change.unread = event.change.unread_count;
    change.version = event.change.version;
    change.change = event.change;
    change.traceparent = kept(traceparent);
    offer(event.user_id, std::move(change), bus::subject::kNotificationUpdated);
}

void EventFollower::offer(base::UserId user, InboxEvent event, std::string_view subject) {
    const auto found = users_.find(user);
    if (found == users_.end()) return count_event(subject, EventResult::no_socket);
    std::vector<InboxEvent> events;
    const auto result = found->second.order.offer(std::move(event), clock_.steady_now(), events);
    switch (result) {
        case InboxOrder::Offer::sent:
            count_event(subject, EventResult::sent);
            break;
        case InboxOrder::Offer::held:
            count_event(subject, EventResult::held);
            break;
        case InboxOrder::Offer::stale:
            count_event(subject, EventResult::stale);
            break;
        case InboxOrder::Offer::overflow:
            count_event(subject, EventResult::overflow);
            break;
    }
    send(user, found->second, events);
    set_deadline(user, found->second);
}

void EventFollower::ask_for_missing(contracts::NotificationCreated event, std::string traceparent, int attempts_left) {
    const auto user = event.notification.user_id;
    const auto held = users_.find(user);
    if (held == users_.end()) return count_event(bus::subject::kNotificationCreated, EventResult::no_socket);
    if (attempts_left == 0 || unversioned_ >= kUnversionedMax) {
        // The service does not answer: better with the last count than not at all.
        return send_completed(std::move(event), std::move(traceparent), held->second.order.told());
    }
    ++unversioned_;
    counts_->ask(user, [weak = weak_from_this(), event = std::move(event), traceparent = std::move(traceparent),
                        attempts_left](const ApiResult<InboxCount>& count) {
        const auto self = weak.lock();
        if (!self) return;
        --self->unversioned_;
        if (count) return self->send_completed(event, traceparent, *count);
        ++self->unversioned_;
        self->deadlines_.add(self->clock_.steady_now() + kMissingRetry, [weak, event, traceparent, attempts_left] {
            const auto later = weak.lock();
            if (!later || later->stopped_) return;
            --later->unversioned_;
            later->ask_for_missing(event, traceparent, attempts_left - 1);
        });
    });
}

void EventFollower::send_completed(contracts::NotificationCreated event, std::string traceparent, InboxCount count) {
    const auto user = event.notification.user_id;
    InboxEvent change;
    change.unread = event.unread_count.value_or(count.unread);
    change.created_at = event.notification.created_at;
    change.traceparent = std::move(traceparent);
    const bool versioned = event.version && *event.version > 0;
    change.version = versioned ? *event.version : count.version;
    event.notification.version = change.version;
    change.change = std::move(event.notification);
    if (versioned) return offer(user, std::move(change), bus::subject::kNotificationCreated);

    const auto held = users_.find(user);
    if (held == users_.end()) return count_event(bus::subject::kNotificationCreated, EventResult::no_socket);
    count_event(bus::subject::kNotificationCreated, EventResult::sent);
    change.late = change.version < held->second.order.told().version;
    change.offset = held->second.order.offset();
    change.from_elsewhere = true;
    send(user, held->second, {change});
}

void EventFollower::refuse(const bus::Delivery& delivery, std::string reason) {
    count_event(delivery.message.subject, EventResult::invalid);
    base::log_warn("event breaks the contract", {{"subject", delivery.message.subject},
                                                 {"sequence", delivery.sequence},
                                                 {"event_id", delivery.message.message_id},
                                                 {"reason", reason}});
    if (dead_letters_ >= kDeadLettersMax) return;
    ++dead_letters_;
    bus::DeadLetter letter{delivery, std::move(reason)};
    loop::spawn(executor_, put_aside(shared_from_this(), std::move(letter)), "gateway: dead letter");
}

loop::Task<void> EventFollower::put_aside(std::shared_ptr<EventFollower> self, bus::DeadLetter letter) {
    const auto subject = letter.delivery.message.subject;
    const auto stored = co_await self->bus_.dead_letter(std::move(letter));
    --self->dead_letters_;
    if (!stored) {
        base::log_error("dead letter was not kept", {{"subject", subject}, {"error", stored.error().message()}});
    }
}

void EventFollower::count_event(std::string_view subject, EventResult result) {
    static constexpr std::array<const char*, kEventResults> kNames{"sent",      "held",      "stale",  "overflow",
                                                                   "duplicate", "no_socket", "invalid"};
    const auto number = static_cast<std::size_t>(result);
    auto& counter = event_counters_[subject == bus::subject::kNotificationCreated ? 0 : 1][number];
    if (counter == nullptr) {
        counter = &metrics_.counter("bus_events_total", "Events of the bus, by what became of them",
                                    {{"subject", std::string{subject}}, {"result", kNames[number]}});
    }
    counter->increment();
}

}  // namespace carillon::gateway
