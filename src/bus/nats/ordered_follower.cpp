#include "bus/nats/ordered_follower.hpp"

#include <pthread.h>

#include <algorithm>
#include <charconv>

#include "base/log.hpp"
#include "bus/nats/ack_subject.hpp"
#include "bus/nats/delivery_of.hpp"

namespace carillon::bus {
namespace {

using namespace std::chrono_literals;

constexpr auto kRetryPause = 250ms;
/// A follower that vanishes without a word leaves its consumer on the server for this long.
constexpr std::chrono::nanoseconds kInactiveThreshold = 30s;
constexpr int kHeartbeatsMissedMax = 3;

std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

}  // namespace

/// The life of one consumer.
struct OrderedFollower::Stretch {
    SubscriptionHandle subscription;
    std::string consumer;
    std::uint64_t last_consumer_sequence = 0;
};

OrderedFollower::OrderedFollower(const NatsOptions& options, LinkKeeper& keeper, StreamName stream, Follower follower)
    : options_{options},
      keeper_{keeper},
      stream_{stream},
      subjects_{follower.subjects},
      inbox_{std::make_shared<FollowerInbox>(std::move(follower), options.follower_messages_max,
                                             options.follower_bytes_max)} {}

OrderedFollower::~OrderedFollower() {
    end();
    join();
}

void OrderedFollower::start() {
    thread_ = std::thread{[this] {
        pthread_setname_np(pthread_self(), "nats-follower");
        run();
    }};
    std::unique_lock lock{mutex_};
    const bool there = subscribed_.wait_for(lock, options_.subscribe_wait, [this] { return is_subscribed_ || ended_; });
    came_late_ = !there;
}

void OrderedFollower::end() {
    ended_ = true;
    inbox_->end();
    keeper_.wake();
    subscribed_.notify_all();
}

void OrderedFollower::join() {
    if (thread_.joinable()) thread_.join();
}

void OrderedFollower::run() {
    while (!ended_) {
        const auto link = keeper_.wait(ended_);
        if (!link) return;
        auto stretch = subscribe(link);
        if (!stretch) {
            keeper_.pause(kRetryPause, ended_);
            continue;
        }
        read(*link, *stretch);
        leave(*link, *stretch);
    }
}

std::optional<OrderedFollower::Stretch> OrderedFollower::subscribe(const std::shared_ptr<Link>& link) {
    const auto before = keeper_.ensure(*link, stream_);
    if (!before) return std::nullopt;
    const auto resume = resume_from(position_, *before);

    Stretch stretch;
    const auto deliver_to = Link::new_inbox();
    stretch.subscription = link->subscribe(deliver_to);
    if (!stretch.subscription) return std::nullopt;
    jsConsumerConfig config;
    jsConsumerConfig_Init(&config);
    config.DeliverSubject = deliver_to.c_str();
    config.DeliverPolicy = js_DeliverByStartSequence;
    config.OptStartSeq = resume.first_sequence;
    config.AckPolicy = js_AckNone;
    config.MaxDeliver = 1;
    config.FlowControl = true;
    config.Heartbeat = std::chrono::nanoseconds{options_.heartbeat}.count();
    config.InactiveThreshold = kInactiveThreshold.count();
    config.MemoryStorage = true;
    config.Replicas = 1;
    if (subjects_.size() == 1) config.FilterSubject = subjects_.front().c_str();
    jsConsumerInfo* raw = nullptr;
    auto code = static_cast<jsErrCode>(0);
    const auto status = js_AddConsumer(&raw, link->js(), stream_text(stream_), &config, nullptr, &code);
    const ConsumerInfoHandle info{raw};
    if (status == NATS_CONNECTION_CLOSED) return std::nullopt;
    if (status != NATS_OK) {
        const auto advice = advice_for(status, code);
        keeper_.log().raise(std::string{"follow "} + stream_text(stream_), advice.what, natsStatus_GetText(status),
                            advice.advice);
        return std::nullopt;
    }
    stretch.consumer = info->Name;
    // Was it made on the stream that was looked at? One that was made anew in between counts from 1 again, and would be
    // silent until it has caught up with the old one's sequence.
    const auto after = keeper_.ensure(*link, stream_);
    if (!after || after->created != before->created || after->last_sequence + 1 < resume.first_sequence) {
        leave(*link, stretch);
        return std::nullopt;
    }
    position_ = StreamPosition{before->created, resume.first_sequence - 1};
    keeper_.log().clear(std::string{"follow "} + stream_text(stream_), "following again");

    bool late = false;
    {
        const std::lock_guard lock{mutex_};
        late = came_late_ && !is_subscribed_;
        is_subscribed_ = true;
    }
    subscribed_.notify_all();
    if (resume.gap || late) inbox_->push_gap();
    return stretch;
}

void OrderedFollower::read(Link& link, Stretch& stretch) {
    const auto patience = options_.heartbeat * kHeartbeatsMissedMax;
    // Short waits, so that the end is noticed; a heartbeat that stays away is what ends the stretch.
    const auto slice = std::min<std::chrono::milliseconds>(patience, 200ms);
    auto last_heard = std::chrono::steady_clock::now();
    while (!ended_ && !link.closed()) {
        natsMsg* raw = nullptr;
        const auto status = natsSubscription_NextMsg(&raw, stretch.subscription.get(), slice.count());
        const MsgHandle message{raw};
        if (status == NATS_TIMEOUT) {
            if (std::chrono::steady_clock::now() - last_heard < patience) continue;
            base::log_warn("NATS sends no heartbeat: subscribing anew", {{"stream", stream_text(stream_)}});
            return;
        }
        if (status != NATS_OK) return;
        const auto meta = parse_ack_subject(reply_of(raw));
        if (!(meta ? on_data(stretch, raw, *meta) : on_status(link, stretch, raw))) return;
        // After the message was handed over, which may have taken its time.
        last_heard = std::chrono::steady_clock::now();
    }
}

bool OrderedFollower::on_status(Link& link, const Stretch& stretch, natsMsg* message) {
    if (header_of(message, "Status") != "100") {
        base::log_info("NATS ended the follower's consumer: subscribing anew",
                       {{"stream", stream_text(stream_)}, {"reason", header_of(message, "Description")}});
        return false;
    }
    // Flow control wants an answer; so does a heartbeat whose request for one was lost.
    auto answer_to = reply_of(message);
    if (answer_to.empty()) answer_to = header_of(message, "Nats-Consumer-Stalled");
    if (!answer_to.empty()) link.send_text(answer_to, {}, {});
    const auto sent = number_of(header_of(message, "Nats-Last-Consumer"));
    if (sent <= stretch.last_consumer_sequence) return true;
    base::log_warn("messages were lost on the way: reading them again",
                   {{"stream", stream_text(stream_)}, {"missing", sent - stretch.last_consumer_sequence}});
    return false;
}

bool OrderedFollower::on_data(Stretch& stretch, natsMsg* message, const AckSubject& meta) {
    if (meta.consumer_sequence != stretch.last_consumer_sequence + 1) {
        base::log_warn("messages were lost on the way: reading them again",
                       {{"stream", stream_text(stream_)}, {"after", position_->last_seen}});
        return false;
    }
    stretch.last_consumer_sequence = meta.consumer_sequence;
    position_->last_seen = meta.stream_sequence;
    if (wants(natsMsg_GetSubject(message))) {
        Delivery delivery = inbox_->blank();
        fill_delivery(delivery, message, meta);
        inbox_->push(std::move(delivery));
    }
    return true;
}

void OrderedFollower::leave(Link& link, const Stretch& stretch) {
    natsSubscription_Unsubscribe(stretch.subscription.get());
    // Else the server removes it by itself, later.
    if (!link.closed()) js_DeleteConsumer(link.js(), stream_text(stream_), stretch.consumer.c_str(), nullptr, nullptr);
}

bool OrderedFollower::wants(std::string_view subject) const {
    return std::find(subjects_.begin(), subjects_.end(), subject) != subjects_.end();
}

}  // namespace carillon::bus
