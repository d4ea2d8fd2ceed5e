#include "bus/nats/nats_bus.hpp"

#include <mutex>
#include <stdexcept>
#include <vector>

#include "bus/nats/dead_letter_message.hpp"
#include "bus/nats/delivery_of.hpp"
#include "bus/nats/link_keeper.hpp"
#include "bus/nats/nats_node_registry.hpp"
#include "bus/nats/notice_listener.hpp"
#include "bus/nats/ordered_follower.hpp"
#include "bus/nats/pull_consumer.hpp"
#include "bus/nats/sender.hpp"

namespace carillon::bus {
namespace {

constexpr std::chrono::milliseconds kFlushDeadline{500};

StreamName stream_or_throw(const std::string& subject) {
    const auto stream = stream_of(subject);
    if (!stream) throw std::invalid_argument{"no stream stores the subject " + subject};
    return *stream;
}

/// Ends what it belongs to, whose thread is joined by the bus. Keeps what that leans on, should it outlive the bus.
template <class Ended, class Bus>
class Ending final : public Subscription {
 public:
    Ending(std::shared_ptr<Bus> bus, std::shared_ptr<Ended> ended) : bus_{std::move(bus)}, ended_{std::move(ended)} {}
    ~Ending() override { ended_->end(); }
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;

 private:
    const std::shared_ptr<Bus> bus_;
    const std::shared_ptr<Ended> ended_;
};

}  // namespace

struct NatsBus::Impl {
    explicit Impl(NatsOptions given)
        : options{std::move(given)},
          keeper{std::make_shared<LinkKeeper>(options)},
          sender{std::make_shared<Sender>(options, keeper)} {}

    const NatsOptions options;
    const std::shared_ptr<LinkKeeper> keeper;
    const std::shared_ptr<Sender> sender;

    // Guarded by mutex.
    std::mutex mutex;
    std::vector<std::shared_ptr<PullConsumer>> consumers;
    std::vector<std::shared_ptr<OrderedFollower>> followers;
    std::vector<std::shared_ptr<NoticeListener>> listeners;
    bool stopped = false;
};

NatsBus::NatsBus(NatsOptions options) : impl_{std::make_shared<Impl>(std::move(options))} {}

NatsBus::~NatsBus() {
    stop();
}

void NatsBus::start() {
    impl_->sender->start();
    LinkKeeper::Hooks hooks;
    const std::weak_ptr<Sender> weak = impl_->sender;
    hooks.on_up = [weak](const std::shared_ptr<Link>& link) {
        if (const auto sender = weak.lock()) sender->link_up(link);
    };
    hooks.on_down = [weak] {
        if (const auto sender = weak.lock()) sender->link_down();
    };
    hooks.on_acknowledgement = [weak](std::string_view token, natsMsg* answer) {
        if (const auto sender = weak.lock()) sender->on_acknowledgement(token, answer);
    };
    impl_->keeper->start(std::move(hooks));
}

namespace {

loop::Task<base::Result<void>> publish_by(Sender& sender, Outgoing message) {
    std::function<void(Sender::Done)> start = [&](Sender::Done done) {
        sender.publish(std::move(message), std::move(done));
    };
    co_return co_await loop::suspend<base::Result<void>>(start);
}

}  // namespace

loop::Task<base::Result<void>> NatsBus::publish(Message message) {
    if (const auto stream = stream_of(message.subject)) impl_->keeper->need(*stream);
    Outgoing out;
    out.subject = std::move(message.subject);
    out.payload = std::move(message.payload);
    if (!message.message_id.empty()) out.headers.emplace_back(header::kMessageId, std::move(message.message_id));
    if (!message.traceparent.empty()) out.headers.emplace_back(header::kTraceparent, std::move(message.traceparent));
    return publish_by(*impl_->sender, std::move(out));
}

loop::Task<base::Result<void>> NatsBus::dead_letter(DeadLetter letter) {
    impl_->keeper->need(StreamName::dead_letter);
    return publish_by(*impl_->sender, to_dead_letter(letter));
}

std::unique_ptr<Subscription> NatsBus::consume(Consumer consumer) {
    const auto stream = stream_or_throw(consumer.subject);
    impl_->keeper->need(stream);
    impl_->keeper->need(StreamName::dead_letter);
    auto consuming =
        std::make_shared<PullConsumer>(impl_->options, *impl_->keeper, *impl_->sender, stream, std::move(consumer));
    {
        const std::lock_guard lock{impl_->mutex};
        impl_->consumers.push_back(consuming);
    }
    consuming->start();
    return std::make_unique<Ending<PullConsumer, Impl>>(impl_, std::move(consuming));
}

std::unique_ptr<Subscription> NatsBus::follow(Follower follower) {
    if (follower.subjects.empty()) throw std::invalid_argument{"a follower follows at least one subject"};
    const auto stream = stream_or_throw(follower.subjects.front());
    for (const auto& subject : follower.subjects) {
        if (stream_or_throw(subject) != stream) throw std::invalid_argument{"a follower follows one stream"};
    }
    impl_->keeper->need(stream);
    auto following = std::make_shared<OrderedFollower>(impl_->options, *impl_->keeper, stream, std::move(follower));
    {
        const std::lock_guard lock{impl_->mutex};
        impl_->followers.push_back(following);
    }
    following->start();
    return std::make_unique<Ending<OrderedFollower, Impl>>(impl_, std::move(following));
}

void NatsBus::announce(std::string subject, std::string payload) {
    impl_->sender->post([subject = std::move(subject), payload = std::move(payload)](Link& link) {
        link.send_text(subject, {}, payload);
    });
}

std::unique_ptr<Subscription> NatsBus::listen(Listener listener) {
    auto listening = std::make_shared<NoticeListener>(*impl_->keeper, std::move(listener));
    {
        const std::lock_guard lock{impl_->mutex};
        impl_->listeners.push_back(listening);
    }
    listening->start();
    return std::make_unique<Ending<NoticeListener, Impl>>(impl_, std::move(listening));
}

bool NatsBus::available() const {
    return impl_->keeper->healthy();
}

std::unique_ptr<NodeRegistry> NatsBus::node_registry() {
    return std::make_unique<NatsNodeRegistry>(impl_->options, impl_->keeper);
}

void NatsBus::stop() {
    std::vector<std::shared_ptr<PullConsumer>> consumers;
    std::vector<std::shared_ptr<OrderedFollower>> followers;
    std::vector<std::shared_ptr<NoticeListener>> listeners;
    {
        const std::lock_guard lock{impl_->mutex};
        if (std::exchange(impl_->stopped, true)) return;
        consumers = impl_->consumers;
        followers = impl_->followers;
        listeners = impl_->listeners;
    }
    for (const auto& consumer : consumers) consumer->end();
    for (const auto& follower : followers) follower->end();
    for (const auto& listener : listeners) listener->end();
    // While the link is still there: they give back what they were given, and take their leave.
    for (const auto& consumer : consumers) consumer->join();
    for (const auto& follower : followers) follower->join();
    for (const auto& listener : listeners) listener->join();
    impl_->sender->flush(kFlushDeadline);
    impl_->keeper->stop();
    impl_->sender->stop();
}

}  // namespace carillon::bus
