#include "bus/local/local_bus.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "base/log.hpp"
#include "bus/listener_inbox.hpp"
#include "bus/local/consumer_group.hpp"
#include "bus/local/follower_queue.hpp"
#include "bus/local/seen_messages.hpp"
#include "loop/suspend.hpp"

namespace carillon::bus {
namespace {

using Groups = std::vector<std::shared_ptr<ConsumerGroup>>;

std::string stream_of(const std::string& subject) {
    return subject.substr(0, subject.find('.'));
}

/// What has become of one message in one group.
enum class GroupEnd { pending, done, no_consumer, closed };

/// Collects the ends of the deliveries of one message and resumes its publish when the last one is there.
struct Gathering {
    explicit Gathering(std::size_t groups) : ends(groups, GroupEnd::pending), left{groups} {}

    std::vector<GroupEnd> ends;
    std::atomic<std::size_t> left;
    loop::Resume<bool> resume;
};

}  // namespace

struct LocalBus::Impl : std::enable_shared_from_this<LocalBus::Impl> {
    Impl(const base::Clock& bus_clock, DeadLetterSink dead_letter_sink, LocalBusConfig bus_config)
        : clock{bus_clock},
          sink{std::move(dead_letter_sink)},
          config{bus_config},
          seen{config.dedupe_window, config.dedupe_ids_max} {}

    /// What `publish` has to do, decided under the lock.
    struct Admission {
        enum class Kind { finished, join, deliver };
        Kind kind = Kind::finished;
        base::Result<void> result;
        std::string key;
        std::shared_ptr<SeenMessage> seen;
        Groups groups;
    };

    Admission admit(const Message& message);
    void hand_to_followers(const Message& message, SeenMessage& record);
    void join(const std::shared_ptr<SeenMessage>& record, loop::Resume<base::Result<void>> resume);
    base::Result<void> conclude(const Admission& admission, const std::vector<GroupEnd>& ends);
    void give_up(DeadLetter letter);
    bool add_wait(const std::shared_ptr<AttemptWait>& wait);
    void remove_wait(const std::shared_ptr<AttemptWait>& wait);

    // Constant after construction.
    const base::Clock& clock;
    const DeadLetterSink sink;
    const LocalBusConfig config;

    std::atomic<std::uint64_t> dead_letter_count{0};

    // Guarded by mutex.
    mutable std::mutex mutex;
    bool stopped = false;
    std::size_t in_flight = 0;
    std::map<std::string, std::uint64_t> last_sequence;  // by stream
    Groups groups;
    std::vector<std::shared_ptr<FollowerQueue>> followers;
    std::vector<std::shared_ptr<ListenerInbox>> listeners;
    SeenMessages seen;
    std::set<std::shared_ptr<AttemptWait>> waits;
};

// --- Publishing ------------------------------------------------------------------------------------------------------

LocalBus::Impl::Admission LocalBus::Impl::admit(const Message& message) {
    const std::lock_guard lock{mutex};
    Admission admission;
    if (stopped) {
        admission.result = errc::closed;
        return admission;
    }
    if (in_flight >= config.in_flight_max) {
        admission.result = errc::overloaded;
        return admission;
    }
    if (message.message_id.empty()) {
        admission.seen = std::make_shared<SeenMessage>();
    } else {
        admission.key = stream_of(message.subject) + '/' + message.message_id;
        auto [record, known] = seen.find_or_add(admission.key, clock.steady_now());
        if (known && record->state == SeenMessage::State::done) return admission;
        admission.seen = record;
        if (known && record->state == SeenMessage::State::in_flight) {
            if (record->joined.size() >= config.in_flight_max) {
                admission.result = errc::overloaded;
                return admission;
            }
            admission.kind = Admission::Kind::join;
            return admission;
        }
        record->state = SeenMessage::State::in_flight;
    }
    hand_to_followers(message, *admission.seen);
    for (const auto& group : groups) {
        const auto& had = admission.seen->acknowledged_by;
        if (group->subject() == message.subject &&
            std::find(had.begin(), had.end(), group->durable_name()) == had.end()) {
            admission.groups.push_back(group);
        }
    }
    admission.kind = Admission::Kind::deliver;
    ++in_flight;
    return admission;
}

// Under the bus mutex, so that all followers see one order.
void LocalBus::Impl::hand_to_followers(const Message& message, SeenMessage& record) {
    if (record.sequence != 0) return;  // They had it when its publish failed.
    record.sequence = ++last_sequence[stream_of(message.subject)];
    std::shared_ptr<const Delivery> delivery;
    for (const auto& follower : followers) {
        if (!follower->wants(message.subject)) continue;
        if (!delivery) delivery = std::make_shared<const Delivery>(Delivery{message, record.sequence, 1});
        follower->push(delivery);
    }
}

void LocalBus::Impl::join(const std::shared_ptr<SeenMessage>& record, loop::Resume<base::Result<void>> resume) {
    {
        const std::lock_guard lock{mutex};
        if (record->state == SeenMessage::State::in_flight) {
            record->joined.push_back(std::move(resume));
            return;
        }
    }
    // It ended between admission and here.
    base::Result<void> result;
    if (record->state == SeenMessage::State::failed) result = errc::unavailable;
    resume(result);
}

base::Result<void> LocalBus::Impl::conclude(const Admission& admission, const std::vector<GroupEnd>& ends) {
    base::Result<void> result;
    std::vector<loop::Resume<base::Result<void>>> joined;
    {
        const std::lock_guard lock{mutex};
        --in_flight;
        SeenMessage& record = *admission.seen;
        for (std::size_t i = 0; i < ends.size(); ++i) {
            if (ends[i] == GroupEnd::done) record.acknowledged_by.push_back(admission.groups[i]->durable_name());
            if (ends[i] == GroupEnd::no_consumer && result) result = errc::unavailable;
            if (ends[i] == GroupEnd::closed) result = errc::closed;
        }
        record.state = result ? SeenMessage::State::done : SeenMessage::State::failed;
        if (result) record.acknowledged_by = {};
        joined.swap(record.joined);
        if (!admission.key.empty()) seen.finished(admission.key, clock.steady_now());
    }
    for (auto& resume : joined) resume(result);
    return result;
}

void LocalBus::Impl::give_up(DeadLetter letter) {
    ++dead_letter_count;
    base::log_warn("a message was dead-lettered", {{"subject", letter.delivery.message.subject},
                                                   {"messageId", letter.delivery.message.message_id},
                                                   {"sequence", letter.delivery.sequence},
                                                   {"attempt", letter.delivery.attempt},
                                                   {"reason", letter.reason}});
    if (!sink) return;
    try {
        sink(letter);
    } catch (const std::exception& error) {
        base::log_error("the dead letter sink failed", {{"error", error.what()}});
    }
}

bool LocalBus::Impl::add_wait(const std::shared_ptr<AttemptWait>& wait) {
    const std::lock_guard lock{mutex};
    if (stopped) return false;
    waits.insert(wait);
    return true;
}

void LocalBus::Impl::remove_wait(const std::shared_ptr<AttemptWait>& wait) {
    const std::lock_guard lock{mutex};
    waits.erase(wait);
}

// --- Delivering to one group -----------------------------------------------------------------------------------------

namespace {

// `Impl` is private to the bus, so these take it as a template parameter.

/// Suspends until the member has answered, `timeout` has passed or the bus is stopped. Without a member: a pause.
template <class Impl>
loop::Task<AttemptEnd> await_attempt(std::shared_ptr<Impl> bus, std::shared_ptr<GroupMember> member, Delivery delivery,
                                     std::chrono::milliseconds timeout) {
    auto executor = co_await loop::this_executor();
    boost::asio::steady_timer timer{executor, timeout};
    std::shared_ptr<AttemptWait> wait;
    std::function<void(loop::Resume<AttemptEnd>)> start = [&](loop::Resume<AttemptEnd> resume) {
        wait = std::make_shared<AttemptWait>(std::move(resume));
        if (!bus->add_wait(wait)) {
            wait->end({AttemptEnd::Kind::closed, {}, {}});
            return;
        }
        timer.async_wait([ending = wait](const boost::system::error_code& error) {
            if (!error) ending->end({AttemptEnd::Kind::timed_out, {}, {}});
        });
        if (member) loop::spawn(member->consumer.executor, attempt_delivery(member, delivery, wait), "bus delivery");
    };
    AttemptEnd end = co_await loop::suspend<AttemptEnd>(start);
    timer.cancel();
    bus->remove_wait(wait);
    co_return end;
}

std::string describe_failure(const AttemptEnd& end) {
    switch (end.kind) {
        case AttemptEnd::Kind::threw:
            return "the handler failed: " + end.reason;
        case AttemptEnd::Kind::timed_out:
            return "the handler did not answer in time";
        default:
            return "the handler asked for a retry";
    }
}

/// Tries until the group is done with the message. Runs on the publisher's executor.
template <class Impl>
loop::Task<GroupEnd> deliver_to_group(std::shared_ptr<Impl> bus, std::shared_ptr<ConsumerGroup> group,
                                      Delivery delivery) {
    auto pause = bus->config.retry_pause_min;
    while (true) {
        auto member = group->next();
        if (!member) co_return GroupEnd::no_consumer;
        auto attempting = await_attempt(bus, member, delivery, bus->config.handler_timeout);
        const AttemptEnd end = co_await std::move(attempting);
        if (end.kind == AttemptEnd::Kind::closed) co_return GroupEnd::closed;
        if (end.kind == AttemptEnd::Kind::left) continue;
        if (end.kind == AttemptEnd::Kind::answered && end.outcome == Outcome::acknowledged) co_return GroupEnd::done;
        const std::string who = "consumer " + group->durable_name() + ": ";
        if (end.kind == AttemptEnd::Kind::answered && end.outcome == Outcome::poison) {
            bus->give_up({delivery, who + "the handler refused it as poison"});
            co_return GroupEnd::done;
        }
        if (delivery.attempt >= bus->config.deliveries_max) {
            bus->give_up({delivery, who + "given up after " + std::to_string(delivery.attempt) +
                                        " deliveries: " + describe_failure(end)});
            co_return GroupEnd::done;
        }
        auto pausing = await_attempt(bus, nullptr, Delivery{}, pause);
        const AttemptEnd paused = co_await std::move(pausing);
        if (paused.kind == AttemptEnd::Kind::closed) co_return GroupEnd::closed;
        pause = std::min(pause * 2, bus->config.retry_pause_max);
        ++delivery.attempt;
    }
}

template <class Impl>
loop::Task<void> gather_one(std::shared_ptr<Impl> bus, std::shared_ptr<ConsumerGroup> group, Delivery delivery,
                            std::shared_ptr<Gathering> gathering, std::size_t index) {
    auto delivering = deliver_to_group(bus, group, std::move(delivery));
    gathering->ends[index] = co_await std::move(delivering);
    if (--gathering->left == 0) gathering->resume(true);
}

template <class Impl>
loop::Task<base::Result<void>> publish_to(std::shared_ptr<Impl> bus, Message message) {
    auto admission = bus->admit(message);
    using Kind = typename Impl::Admission::Kind;
    if (admission.kind == Kind::finished) co_return admission.result;
    if (admission.kind == Kind::join) {
        std::function<void(loop::Resume<base::Result<void>>)> start = [&](loop::Resume<base::Result<void>> resume) {
            bus->join(admission.seen, std::move(resume));
        };
        co_return co_await loop::suspend<base::Result<void>>(start);
    }
    auto gathering = std::make_shared<Gathering>(admission.groups.size());
    if (!admission.groups.empty()) {
        const auto executor = co_await loop::this_executor();
        const Delivery delivery{std::move(message), admission.seen->sequence, 1};
        std::function<void(loop::Resume<bool>)> start = [&](loop::Resume<bool> resume) {
            gathering->resume = std::move(resume);
            for (std::size_t i = 0; i < admission.groups.size(); ++i) {
                loop::spawn(executor, gather_one(bus, admission.groups[i], delivery, gathering, i), "bus publish");
            }
        };
        co_await loop::suspend<bool>(start);
    }
    co_return bus->conclude(admission, gathering->ends);
}

template <class Impl>
loop::Task<base::Result<void>> put_aside(std::shared_ptr<Impl> bus, DeadLetter letter) {
    {
        const std::lock_guard lock{bus->mutex};
        if (bus->stopped) co_return errc::closed;
    }
    bus->give_up(std::move(letter));
    co_return base::Result<void>{};
}

/// Runs `leave` when destroyed.
class LocalSubscription final : public Subscription {
 public:
    explicit LocalSubscription(std::function<void()> leave) : leave_{std::move(leave)} {}
    ~LocalSubscription() override { leave_(); }

 private:
    const std::function<void()> leave_;
};

}  // namespace

// --- The port --------------------------------------------------------------------------------------------------------

LocalBus::LocalBus(const base::Clock& clock, DeadLetterSink sink, LocalBusConfig config)
    : impl_{std::make_shared<Impl>(clock, std::move(sink), config)} {}

LocalBus::~LocalBus() {
    stop();
}

loop::Task<base::Result<void>> LocalBus::publish(Message message) {
    return publish_to(impl_, std::move(message));
}

std::unique_ptr<Subscription> LocalBus::consume(Consumer consumer) {
    const std::lock_guard lock{impl_->mutex};
    auto& groups = impl_->groups;
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& known) {
        return known->durable_name() == consumer.durable_name && known->subject() == consumer.subject;
    });
    if (group == groups.end()) {
        groups.push_back(std::make_shared<ConsumerGroup>(consumer.durable_name, consumer.subject));
        group = std::prev(groups.end());
    }
    auto member = (*group)->join(std::move(consumer));
    return std::make_unique<LocalSubscription>([joined = *group, member] { joined->leave(member); });
}

std::unique_ptr<Subscription> LocalBus::follow(Follower follower) {
    auto queue = std::make_shared<FollowerQueue>(std::move(follower), impl_->config.follower_messages_max,
                                                 impl_->config.follower_bytes_max);
    const std::lock_guard lock{impl_->mutex};
    impl_->followers.push_back(queue);
    return std::make_unique<LocalSubscription>([weak = std::weak_ptr{impl_}, queue] {
        queue->end();
        if (const auto bus = weak.lock()) {
            const std::lock_guard guard{bus->mutex};
            std::erase(bus->followers, queue);
        }
    });
}

loop::Task<base::Result<void>> LocalBus::dead_letter(DeadLetter letter) {
    return put_aside(impl_, std::move(letter));
}

void LocalBus::announce(std::string subject, std::string payload) {
    const std::lock_guard lock{impl_->mutex};
    for (const auto& listener : impl_->listeners) {
        if (listener->subject() == subject) listener->push(payload);
    }
}

std::unique_ptr<Subscription> LocalBus::listen(Listener listener) {
    auto inbox = std::make_shared<ListenerInbox>(std::move(listener));
    const std::lock_guard lock{impl_->mutex};
    impl_->listeners.push_back(inbox);
    return std::make_unique<LocalSubscription>([weak = std::weak_ptr{impl_}, inbox] {
        inbox->end();
        if (const auto bus = weak.lock()) {
            const std::lock_guard guard{bus->mutex};
            std::erase(bus->listeners, inbox);
        }
    });
}

bool LocalBus::available() const {
    const std::lock_guard lock{impl_->mutex};
    return !impl_->stopped;
}

void LocalBus::stop() {
    std::set<std::shared_ptr<AttemptWait>> waits;
    std::vector<std::shared_ptr<FollowerQueue>> followers;
    std::vector<std::shared_ptr<ListenerInbox>> listeners;
    {
        const std::lock_guard lock{impl_->mutex};
        impl_->stopped = true;
        waits.swap(impl_->waits);
        followers.swap(impl_->followers);
        listeners.swap(impl_->listeners);
        for (const auto& group : impl_->groups) group->end();
    }
    for (const auto& follower : followers) follower->end();
    for (const auto& listener : listeners) listener->end();
    for (const auto& wait : waits) wait->end({AttemptEnd::Kind::closed, {}, {}});
}

std::uint64_t LocalBus::dead_letters() const {
    return impl_->dead_letter_count;
}

std::size_t LocalBus::in_flight() const {
    const std::lock_guard lock{impl_->mutex};
    return impl_->in_flight;
}

}  // namespace carillon::bus
