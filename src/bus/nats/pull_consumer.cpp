#include "bus/nats/pull_consumer.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <vector>

#include "base/log.hpp"
#include "bus/nats/dead_letter_message.hpp"
#include "bus/nats/delivery_of.hpp"

namespace carillon::bus {
namespace {

using namespace std::chrono_literals;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr auto kRetryPause = 250ms;
/// How long the server keeps a pull request open.
constexpr std::chrono::nanoseconds kPullExpires = 5s;
/// A request of which nothing is heard for longer is taken for lost.
constexpr auto kPullLost = 7s;
constexpr auto kSlice = 200ms;
constexpr std::int64_t kAckPendingMax = 1'024;

std::chrono::milliseconds pause_after(std::uint32_t attempt, const NatsOptions& options) {
    auto pause = options.retry_pause_min;
    for (std::uint32_t i = 1; i < attempt && pause < options.retry_pause_max; ++i) pause *= 2;
    return std::min(pause, options.retry_pause_max);
}

}  // namespace

/// One message being worked on.
struct PullConsumer::Work {
    Delivery delivery;
    std::string reply;  ///< where its acknowledgement goes
    SteadyTime started;
    SteadyTime next_progress;
    bool answered = false;
};

/// What the coroutines of the handlers hold on to, after the consumer has gone too.
class PullConsumer::Shared : public std::enable_shared_from_this<Shared> {
 public:
    Shared(const NatsOptions& options, Sender& sender, Consumer consumer)
        : options_{options}, sender_{sender}, consumer_{std::move(consumer)} {}

    const Consumer& consumer() const { return consumer_; }
    bool ended() const { return ended_; }
    const std::atomic<bool>& ended_flag() const { return ended_; }

    void end() {
        ended_ = true;
        { const std::lock_guard lock{mutex_}; }
        room_.notify_all();
    }
    /// The bus goes: nothing is answered from now on.
    void forget_sender() {
        const std::lock_guard lock{mutex_};
        sender_gone_ = true;
    }

    /// How many more may run; waits a little when none may.
    std::size_t room(std::chrono::milliseconds patience) {
        std::unique_lock lock{mutex_};
        const auto free = [this] { return options_.handlers_max - std::min(options_.handlers_max, work_.size()); };
        room_.wait_for(lock, patience, [&] { return ended_ || free() > 0; });
        return ended_ ? 0 : free();
    }

    void begin(Delivery delivery, std::string reply);
    void give_back(const std::string& reply) { answer(reply, "-NAK"); }
    /// Tells the server of long work, and gives those up that take too long. Thread: the consumer's.
    void look_after_work();

 private:
    static loop::Task<void> handle(std::shared_ptr<Shared> self, std::shared_ptr<Work> work);
    static loop::Task<void> give_up(std::shared_ptr<Shared> self, std::shared_ptr<Work> work, std::string reason);
    loop::Task<void> conclude(std::shared_ptr<Work> work, Outcome outcome, std::string failure);
    void retry(const Work& work, std::chrono::milliseconds pause);
    void answer(const std::string& reply, std::string text);
    /// True for the first of the handler and the timeout.
    bool claim(Work& work) {
        const std::lock_guard lock{mutex_};
        return !std::exchange(work.answered, true);
    }
    void done(const std::shared_ptr<Work>& work) {
        {
            const std::lock_guard lock{mutex_};
            work_.erase(work);
        }
        room_.notify_one();
    }

    // Constant after construction.
    const NatsOptions options_;
    Sender& sender_;  ///< until `forget_sender`
    const Consumer consumer_;

    std::atomic<bool> ended_{false};
    // Guarded by mutex_.
    std::mutex mutex_;
    std::condition_variable room_;
    std::set<std::shared_ptr<Work>> work_;
    bool sender_gone_ = false;
};

// --- Handling --------------------------------------------------------------------------------------------------------

void PullConsumer::Shared::begin(Delivery delivery, std::string reply) {
    auto work = std::make_shared<Work>();
    work->delivery = std::move(delivery);
    work->reply = std::move(reply);
    work->started = std::chrono::steady_clock::now();
    work->next_progress = work->started + options_.ack_wait / 3;
    {
        const std::lock_guard lock{mutex_};
        work_.insert(work);
    }
    if (work->delivery.attempt > options_.deliveries_max) {
        // Whoever had it before never said what became of it.
        claim(*work);
        loop::spawn(consumer_.executor, give_up(shared_from_this(), work, "nobody answered its last delivery"),
                    "bus dead letter");
        return;
    }
    loop::spawn(consumer_.executor, handle(shared_from_this(), work), "bus delivery");
}

loop::Task<void> PullConsumer::Shared::handle(std::shared_ptr<Shared> self, std::shared_ptr<Work> work) {
    Outcome outcome = Outcome::retry;
    std::string failure = "the handler asked for a retry";
    if (self->ended_) {
        self->claim(*work);
        self->give_back(work->reply);
        self->done(work);
        co_return;
    }
    try {
        auto handling = self->consumer_.handler(work->delivery);
        outcome = co_await std::move(handling);
    } catch (const std::exception& error) {
        failure = std::string{"the handler failed: "} + error.what();
    }
    if (self->claim(*work)) {
        auto concluding = self->conclude(work, outcome, std::move(failure));
        co_await std::move(concluding);
    }
    self->done(work);
}

loop::Task<void> PullConsumer::Shared::conclude(std::shared_ptr<Work> work, Outcome outcome, std::string failure) {
    if (outcome == Outcome::acknowledged) {
        answer(work->reply, "+ACK");
    } else if (outcome == Outcome::poison) {
        auto giving = give_up(shared_from_this(), work, "the handler refused it as poison");
        co_await std::move(giving);
    } else if (work->delivery.attempt >= options_.deliveries_max) {
        auto giving = give_up(shared_from_this(), work,
                              fmt::format("given up after {} deliveries: {}", work->delivery.attempt, failure));
        co_await std::move(giving);
    } else {
        retry(*work, pause_after(work->delivery.attempt, options_));
    }
}

loop::Task<void> PullConsumer::Shared::give_up(std::shared_ptr<Shared> self, std::shared_ptr<Work> work,
                                               std::string reason) {
    const DeadLetter letter{work->delivery, "consumer " + self->consumer_.durable_name + ": " + reason};
    base::log_warn("a message is dead-lettered", {{"subject", letter.delivery.message.subject},
                                                  {"messageId", letter.delivery.message.message_id},
                                                  {"sequence", letter.delivery.sequence},
                                                  {"attempt", letter.delivery.attempt},
                                                  {"reason", letter.reason}});
    auto message = to_dead_letter(letter);
    std::function<void(loop::Resume<base::Result<void>>)> start = [&](loop::Resume<base::Result<void>> resume) {
        {
            const std::lock_guard lock{self->mutex_};
            if (!self->sender_gone_) {
                self->sender_.publish(std::move(message), std::move(resume));
                return;
            }
        }
        resume(errc::closed);
    };
    const auto kept = co_await loop::suspend<base::Result<void>>(start);
    if (kept) {
        self->answer(work->reply, "+TERM");
    } else {
        self->retry(*work, self->options_.retry_pause_max);
    }
    self->done(work);
}

void PullConsumer::Shared::retry(const Work& work, std::chrono::milliseconds pause) {
    answer(work.reply, fmt::format("-NAK {{\"delay\": {}}}", std::chrono::nanoseconds{pause}.count()));
}

void PullConsumer::Shared::answer(const std::string& reply, std::string text) {
    const std::lock_guard lock{mutex_};
    if (sender_gone_) return;
    sender_.post([reply, text = std::move(text)](Link& link) { link.send_text(reply, {}, text); });
}

void PullConsumer::Shared::look_after_work() {
    const auto now = std::chrono::steady_clock::now();
    std::vector<std::shared_ptr<Work>> progressing;
    std::vector<std::shared_ptr<Work>> late;
    {
        const std::lock_guard lock{mutex_};
        for (const auto& work : work_) {
            if (work->answered) continue;
            if (now - work->started >= options_.handler_timeout) {
                late.push_back(work);
            } else if (now >= work->next_progress) {
                work->next_progress = now + options_.ack_wait / 3;
                progressing.push_back(work);
            }
        }
    }
    for (const auto& work : progressing) answer(work->reply, "+WPI");
    for (const auto& work : late) {
        if (!claim(*work)) continue;
        if (work->delivery.attempt >= options_.deliveries_max) {
            loop::spawn(consumer_.executor,
                        give_up(shared_from_this(), work,
                                fmt::format("given up after {} deliveries: the handler did not answer in time",
                                            work->delivery.attempt)),
                        "bus dead letter");
        } else {
            retry(*work, pause_after(work->delivery.attempt, options_));
        }
    }
}

// --- Pulling ---------------------------------------------------------------------------------------------------------

PullConsumer::PullConsumer(const NatsOptions& options, LinkKeeper& keeper, Sender& sender, StreamName stream,
                           Consumer consumer)
    : options_{options},
      keeper_{keeper},
      stream_{stream},
      shared_{std::make_shared<Shared>(options, sender, std::move(consumer))} {}

PullConsumer::~PullConsumer() {
    end();
    join();
    shared_->forget_sender();
}

void PullConsumer::start() {
    thread_ = std::thread{[this] {
        pthread_setname_np(pthread_self(), "nats-consumer");
        run();
    }};
}

void PullConsumer::end() {
    shared_->end();
    keeper_.wake();
}

void PullConsumer::join() {
    if (thread_.joinable()) thread_.join();
}

void PullConsumer::run() {
    while (!shared_->ended()) {
        const auto link = keeper_.wait(shared_->ended_flag());
        if (!link) return;
        const auto inbox = Link::new_inbox();
        const auto subscription = ensure_consumer(*link) ? link->subscribe(inbox) : nullptr;
        if (!subscription) {
            keeper_.pause(kRetryPause, shared_->ended_flag());
            continue;
        }
        pull(*link, subscription, inbox);
    }
}

/// Makes the durable when it is missing, or was deleted by hand: it goes on where this process knows it to have been,
/// else from the beginning; what was handled before comes again then, and handlers are used to that.
bool PullConsumer::ensure_consumer(Link& link) {
    const auto state = keeper_.ensure(link, stream_);
    if (!state) return false;
    const bool same_stream = std::exchange(stream_created_, state->created) == state->created;
    if (!same_stream) acknowledged_up_to_ = 0;
    const auto& wanted = shared_->consumer();
    const std::string topic = "consumer " + wanted.durable_name;
    jsConsumerInfo* raw = nullptr;
    auto code = static_cast<jsErrCode>(0);
    auto status =
        js_GetConsumerInfo(&raw, link.js(), stream_text(stream_), wanted.durable_name.c_str(), nullptr, &code);
    ConsumerInfoHandle info{raw};
    if (code == JSConsumerNotFoundErr) {
        if (std::exchange(consumer_seen_, false) && same_stream) {
            base::log_warn("a consumer was deleted by hand and will be made anew",
                           {{"consumer", wanted.durable_name}, {"after", acknowledged_up_to_}});
            keeper_.pause(kDeletionPause, shared_->ended_flag());
            return false;
        }
        jsConsumerConfig config;
        jsConsumerConfig_Init(&config);
        config.Durable = wanted.durable_name.c_str();
        config.FilterSubject = wanted.subject.c_str();
        config.AckPolicy = js_AckExplicit;
        config.AckWait = std::chrono::nanoseconds{options_.ack_wait}.count();
        config.MaxDeliver = -1;
        config.MaxAckPending = kAckPendingMax;
        config.DeliverPolicy = js_DeliverAll;
        if (acknowledged_up_to_ > 0) {
            config.DeliverPolicy = js_DeliverByStartSequence;
            config.OptStartSeq = acknowledged_up_to_ + 1;
        }
        raw = nullptr;
        status = js_AddConsumer(&raw, link.js(), stream_text(stream_), &config, nullptr, &code);
        info.reset(raw);
        if (status != NATS_OK) {  // Perhaps another process was quicker, with another place to begin.
            raw = nullptr;
            status =
                js_GetConsumerInfo(&raw, link.js(), stream_text(stream_), wanted.durable_name.c_str(), nullptr, &code);
            info.reset(raw);
        }
    }
    if (status != NATS_OK) {
        if (status == NATS_CONNECTION_CLOSED) return false;
        const auto advice = advice_for(status, code);
        keeper_.log().raise(topic, advice.what, natsStatus_GetText(status), advice.advice);
        return false;
    }
    keeper_.log().clear(topic, "consuming again");
    if (info->Config->AckPolicy != js_AckExplicit || info->Config->DeliverSubject != nullptr ||
        (info->Config->FilterSubject != nullptr && wanted.subject != info->Config->FilterSubject)) {
        keeper_.log().raise(topic, "a consumer has other settings and cannot be used",
                            "it must be a pull consumer with explicit acknowledgements on " + wanted.subject,
                            "delete it: it is made anew");
        return false;
    }
    consumer_seen_ = true;
    acknowledged_up_to_ = info->AckFloor.Stream;
    return true;
}

void PullConsumer::pull(Link& link, const SubscriptionHandle& subscription, const std::string& inbox) {
    const auto request_to =
        fmt::format("$JS.API.CONSUMER.MSG.NEXT.{}.{}", stream_text(stream_), shared_->consumer().durable_name);
    asked_for_ = 0;
    SteadyTime lost_at{};
    bool draining = false;
    while (!link.closed()) {
        shared_->look_after_work();
        if (shared_->ended() && !draining) {
            // No more are to come; those on their way are given back.
            draining = true;
            natsSubscription_Drain(subscription.get());
        }
        if (!draining && asked_for_ == 0) {
            const auto room = shared_->room(kSlice);
            if (room == 0) continue;
            asked_for_ = room;
            lost_at = std::chrono::steady_clock::now() + kPullLost;
            const auto request = fmt::format("{{\"batch\": {}, \"expires\": {}}}", room, kPullExpires.count());
            if (link.send_text(request_to, inbox, request) != NATS_OK) return;
        }
        natsMsg* raw = nullptr;
        const auto status =
            natsSubscription_NextMsg(&raw, subscription.get(), std::chrono::milliseconds{kSlice}.count());
        const MsgHandle message{raw};
        if (status == NATS_TIMEOUT) {
            if (draining || (asked_for_ > 0 && std::chrono::steady_clock::now() > lost_at)) return;
            continue;
        }
        if (status != NATS_OK) return;
        if (const auto meta = parse_ack_subject(reply_of(raw))) {
            on_message(raw, *meta);
        } else if (!on_status(raw) || !ensure_consumer(link)) {
            return;
        }
    }
}

/// False when the consumer has to be looked at before the next request.
bool PullConsumer::on_status(natsMsg* message) {
    asked_for_ = 0;
    const auto status = header_of(message, "Status");
    if (status == "408" || status == "404") return true;  // Nothing came in time.
    if (status != "503" && status != "409") return true;
    keeper_.check_soon();
    return false;
}

void PullConsumer::on_message(natsMsg* message, const AckSubject& meta) {
    if (asked_for_ > 0) --asked_for_;
    const std::string reply{reply_of(message)};
    if (shared_->ended()) {
        shared_->give_back(reply);
        return;
    }
    shared_->begin(delivery_of(message, meta), reply);
}

}  // namespace carillon::bus
