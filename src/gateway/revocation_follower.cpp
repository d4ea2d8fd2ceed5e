#include "gateway/revocation_follower.hpp"

#include <utility>

#include "base/log.hpp"

namespace carillon::gateway {
namespace {

constexpr int kDeadLettersMax = 64;

http::Request page_request(base::TimePoint since, const base::Uuid& after) {
    http::Request request;
    request.method = http::Method::get;
    request.path = "/revocations/" + std::to_string(since.time_since_epoch().count()) + '/' + after.to_string();
    request.target = request.path;
    return request;
}

}  // namespace

RevocationFollower::RevocationFollower(loop::Executor executor, AuthApi& accounts, bus::Bus& bus,
                                       const base::Clock& clock, RevocationList& list,
                                       std::function<void(const contracts::Revocation&)> on_revoked)
    : executor_{std::move(executor)},
      accounts_{accounts},
      bus_{bus},
      clock_{clock},
      list_{list},
      on_revoked_{std::move(on_revoked)} {}

void RevocationFollower::start() {
    bus::Follower follower;
    follower.subjects = {bus::subject::kTokenRevoked};
    follower.executor = executor_;
    follower.on_message = [weak = weak_from_this()](const bus::Delivery& delivery) {
        if (const auto self = weak.lock(); self && !self->stopped_) self->on_message(delivery);
    };
    follower.on_gap = [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self && !self->stopped_) loop::spawn(self->executor_, load_once(self), "gateway: revocations");
    };
    subscription_ = bus_.follow(std::move(follower));
    loop::spawn(executor_, keep_loading(shared_from_this()), "gateway: revocations");
}

void RevocationFollower::stop() {
    stopped_ = true;
    subscription_.reset();
    on_revoked_ = [](const contracts::Revocation&) {};
}

void RevocationFollower::on_message(const bus::Delivery& delivery) {
    const auto event = contracts::decode_token_revoked(delivery.message.payload);
    if (event) return take(event->revocation);
    base::log_warn("event breaks the contract", {{"subject", delivery.message.subject},
                                                 {"sequence", delivery.sequence},
                                                 {"event_id", delivery.message.message_id},
                                                 {"reason", event.error().summary()}});
    if (dead_letters_ >= kDeadLettersMax) return;
    ++dead_letters_;
    bus::DeadLetter letter{delivery, event.error().summary()};
    loop::spawn(executor_, put_aside(shared_from_this(), std::move(letter)), "gateway: dead letter");
}

loop::Task<void> RevocationFollower::put_aside(std::shared_ptr<RevocationFollower> self, bus::DeadLetter letter) {
    auto putting = self->bus_.dead_letter(std::move(letter));
    const auto stored = co_await std::move(putting);
    --self->dead_letters_;
    if (!stored) base::log_error("dead letter was not kept", {{"error", stored.error().message()}});
}

void RevocationFollower::take(const contracts::Revocation& revocation) {
    if (list_.add(revocation, clock_.now())) on_revoked_(revocation);
}

loop::Task<void> RevocationFollower::keep_loading(std::shared_ptr<RevocationFollower> self) {
    while (!self->stopped_) {
        auto loading = load(self);
        const bool loaded = co_await std::move(loading);
        if (self->stopped_) co_return;
        if (!loaded && !self->away_told_) base::log_warn("the auth service does not tell of revocations", {});
        self->away_told_ = !loaded;
        self->list_.forget_expired(self->clock_.now());
        auto pausing = loop::sleep_for(loaded ? std::chrono::milliseconds{kInterval} : kRetry);
        co_await std::move(pausing);
    }
}

loop::Task<void> RevocationFollower::load_once(std::shared_ptr<RevocationFollower> self) {
    auto loading = load(self);
    co_await std::move(loading);
}

loop::Task<bool> RevocationFollower::load(std::shared_ptr<RevocationFollower> self) {
    base::TimePoint since = self->since_;
    base::Uuid after;
    for (;;) {
        http::Request request = page_request(since, after);
        auto asking = self->accounts_.forward(request);
        const auto response = co_await std::move(asking);
        if (self->stopped_ || response.status != 200) co_return false;
        const auto answer = contracts::decode_revocations_answer(response.body);
        if (!answer) co_return false;
        for (const auto& item : answer->revocations) self->take(item.revocation);
        if (!answer->has_more || answer->revocations.empty()) {
            self->since_ = answer->as_of - kOverlap;
            co_return true;
        }
        since = answer->revocations.back().revocation.revoked_at;
        after = answer->revocations.back().id;
    }
}

}  // namespace carillon::gateway
