#include "bus/nats/sender.hpp"

#include <pthread.h>

#include <charconv>
#include <future>

#include "base/log.hpp"
#include "bus/nats/publish_ack.hpp"

namespace carillon::bus {
namespace {

using namespace std::chrono_literals;

/// Acknowledgements and the like that may wait to be written, beside the publishes.
constexpr std::size_t kPostedMax = 65'536;

}  // namespace

Sender::Sender(NatsOptions options, std::shared_ptr<LinkKeeper> keeper)
    : options_{std::move(options)}, keeper_{std::move(keeper)} {}

Sender::~Sender() {
    stop();
}

void Sender::start() {
    writer_ = std::thread{[this] {
        pthread_setname_np(pthread_self(), "nats-writer");
        write();
    }};
}

void Sender::flush(std::chrono::milliseconds deadline) {
    auto written = std::make_shared<std::promise<void>>();
    auto done = written->get_future();
    {
        const std::lock_guard lock{mutex_};
        if (stopping_ || !link_) return;
        queue_.push_back({{}, {}, [written](Link&) { written->set_value(); }});
    }
    work_.notify_one();
    done.wait_for(deadline);
}

void Sender::stop() {
    Ended ended;
    {
        const std::lock_guard lock{mutex_};
        if (!stopping_) {
            stopping_ = true;
            link_ = nullptr;
            for (auto& item : queue_) {
                if (item.done) ended.emplace_back(std::move(item.done), errc::closed);
            }
            queue_.clear();
            for (auto& [id, pending] : pending_) ended.emplace_back(std::move(pending.done), errc::closed);
            pending_.clear();
        }
    }
    work_.notify_all();
    end(std::move(ended));
    if (writer_.joinable()) writer_.join();
}

void Sender::publish(Outgoing message, Done done) {
    base::Result<void> refused;
    {
        const std::lock_guard lock{mutex_};
        if (stopping_) {
            refused = errc::closed;
        } else if (!link_ || link_->closed()) {
            refused = errc::unavailable;
        } else if (waiting_ + writing_ + pending_.size() >= options_.in_flight_max) {
            refused = errc::overloaded;
        } else {
            ++waiting_;
            queue_.push_back({std::move(message), std::move(done), {}});
        }
    }
    if (!refused) {
        // NOLINTNEXTLINE(bugprone-use-after-move): what is refused was not queued
        done(refused);
    } else {
        work_.notify_one();
    }
}

void Sender::post(std::function<void(Link&)> work) {
    {
        const std::lock_guard lock{mutex_};
        if (stopping_ || !link_ || queue_.size() >= kPostedMax + options_.in_flight_max) return;
        queue_.push_back({{}, {}, std::move(work)});
    }
    work_.notify_one();
}

void Sender::link_up(const std::shared_ptr<Link>& link) {
    {
        const std::lock_guard lock{mutex_};
        if (stopping_) return;
        link_ = link;
    }
    work_.notify_all();
}

void Sender::link_down() {
    Ended ended;
    {
        const std::lock_guard lock{mutex_};
        link_ = nullptr;
        for (auto& item : queue_) {
            if (item.done) ended.emplace_back(std::move(item.done), errc::unavailable);
        }
        queue_.clear();
        waiting_ = 0;
        for (auto& [id, pending] : pending_) ended.emplace_back(std::move(pending.done), errc::unavailable);
        pending_.clear();
    }
    end(std::move(ended));
}

void Sender::end(Ended ended) {
    for (auto& [done, result] : ended) done(result);
}

// --- Writing ---------------------------------------------------------------------------------------------------------

void Sender::write() {
    while (true) {
        std::deque<Item> batch;
        std::shared_ptr<Link> link;
        {
            std::unique_lock lock{mutex_};
            const auto ready = [this] { return stopping_ || !queue_.empty(); };
            if (pending_.empty()) {
                work_.wait(lock, ready);
            } else {
                // A copy: while it waits the one it belongs to may be acknowledged.
                const auto deadline = pending_.begin()->second.deadline;
                work_.wait_until(lock, deadline, ready);
            }
            if (stopping_) return;
            batch.swap(queue_);
            writing_ = std::exchange(waiting_, 0);
            link = link_;
        }
        for (auto& item : batch) write_one(link.get(), std::move(item));
        expire();
    }
}

void Sender::write_one(Link* link, Item item) {
    if (item.work) {
        if (link != nullptr) item.work(*link);
        return;
    }
    std::uint64_t id = 0;
    {
        const std::lock_guard lock{mutex_};
        --writing_;
        // Not when the link went down, or the bus was stopped, while the batch was being written.
        if (link != nullptr && link_.get() == link && !stopping_) {
            id = ++last_id_;
            pending_.emplace(id, Pending{std::move(item.done), item.message.subject,
                                         std::chrono::steady_clock::now() + options_.publish_timeout});
        }
    }
    if (id == 0) {
        item.done(errc::unavailable);
        return;
    }
    const auto status = link->send(item.message, link->ack_prefix() + std::to_string(id));
    if (status == NATS_OK) return;
    refuse(item.message.subject, status, 0, natsStatus_GetText(status));
    finish(id, errc::unavailable);
}

/// Those whose acknowledgement is overdue.
void Sender::expire() {
    Ended ended;
    std::string subject;
    {
        const std::lock_guard lock{mutex_};
        const auto now = std::chrono::steady_clock::now();
        while (!pending_.empty() && pending_.begin()->second.deadline <= now) {
            subject = pending_.begin()->second.subject;
            ended.emplace_back(std::move(pending_.begin()->second.done), errc::unavailable);
            pending_.erase(pending_.begin());
        }
    }
    if (!ended.empty()) refuse(subject, NATS_TIMEOUT, 0, "no acknowledgement in time");
    end(std::move(ended));
}

// --- Acknowledgements ------------------------------------------------------------------------------------------------

void Sender::on_acknowledgement(std::string_view token, natsMsg* answer) {
    std::uint64_t id = 0;
    std::from_chars(token.data(), token.data() + token.size(), id);
    if (natsMsg_IsNoResponders(answer)) {
        // No stream stores the subject: deleted by hand, or JetStream is off. The keeper says which.
        keeper_->check_soon();
        finish(id, errc::unavailable);
        return;
    }
    const auto ack = parse_publish_ack(payload_of(answer));
    if (ack.stored) {
        keeper_->log().clear("publish", "JetStream stores events again");
        finish(id, {});
        return;
    }
    std::string topic;
    {
        const std::lock_guard lock{mutex_};
        const auto found = pending_.find(id);
        if (found != pending_.end()) topic = found->second.subject;
    }
    refuse(topic, NATS_ERR, ack.error_code, ack.error);
    finish(id, errc::unavailable);
}

void Sender::finish(std::uint64_t id, base::Result<void> result) {
    Done done;
    {
        const std::lock_guard lock{mutex_};
        const auto found = pending_.find(id);
        if (found == pending_.end()) return;
        done = std::move(found->second.done);
        pending_.erase(found);
    }
    done(result);
}

void Sender::refuse(const std::string& subject, natsStatus status, int code, std::string detail) {
    if (status == NATS_CONNECTION_CLOSED) return;  // Told by the keeper.
    const auto advice = advice_for(status, code);
    keeper_->log().raise("publish", advice.what, subject + ": " + detail, advice.advice);
    keeper_->check_soon();
}

}  // namespace carillon::bus
