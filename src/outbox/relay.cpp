#include "outbox/relay.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <exception>
#include <map>
#include <vector>

#include "base/log.hpp"
#include "loop/run_on.hpp"
#include "outbox/committed_inbox.hpp"

namespace carillon::outbox {
namespace {

using store::OutboxEvent;

/// Publishes started in one turn of the loop; other work gets its turn in between.
constexpr std::size_t kPublishesPerTurn = 256;
/// Rows acknowledged but not yet removed, at which publishing waits: the store is in trouble.
constexpr std::size_t kAcknowledgedMax = 4'096;
/// While reading pages the rows are counted once in so many.
constexpr std::uint64_t kPagesPerCount = 20;

/// Grows with each failure.
class Backoff {
 public:
    Backoff(std::chrono::milliseconds least, std::chrono::milliseconds most) : least_{least}, most_{most} {}

    std::chrono::milliseconds next() {
        const auto pause = pause_;
        pause_ = std::min(pause_ * 2, most_);
        return pause;
    }
    void reset() { pause_ = least_; }

 private:
    const std::chrono::milliseconds least_;
    const std::chrono::milliseconds most_;
    std::chrono::milliseconds pause_ = least_;
};

}  // namespace

struct Relay::Impl : std::enable_shared_from_this<Relay::Impl> {
    Impl(loop::Executor relay_executor, store::OutboxStore& outbox_store, bus::Bus& event_bus,
         metrics::Registry& metrics, RelayConfig relay_config)
        : executor{std::move(relay_executor)},
          store{outbox_store},
          bus{event_bus},
          config{std::move(relay_config)},
          pending_gauge{metrics.gauge("outbox_pending",
                                      "Events that were committed and are not yet acknowledged by the bus",
                                      {{"service", config.service}})},
          inbox{config.memory_events_max},
          publish_backoff{config.retry_pause_min, config.retry_pause_max},
          store_backoff{config.retry_pause_min, config.retry_pause_max} {}

    void take_inbox();
    void pump();
    void published(OutboxEvent event, const base::Result<void>& result);
    void back_off(const base::ErrorCode& error);
    void note_trouble(std::string_view reason, std::string detail);
    void update_gauge();
    void settle();
    bool settled() const { return in_flight == 0 && store_calls == 0 && !removing; }

    static loop::Task<void> publish_one(std::shared_ptr<Impl> self, OutboxEvent event);
    static loop::Task<void> go_on_after(std::shared_ptr<Impl> self, std::chrono::milliseconds pause);
    static loop::Task<void> read_page(std::shared_ptr<Impl> self);
    static loop::Task<void> count_rows(std::shared_ptr<Impl> self);
    static loop::Task<void> remove_acknowledged(std::shared_ptr<Impl> self);
    static loop::Task<void> stop(std::shared_ptr<Impl> self, std::chrono::milliseconds deadline);

    // Constant after construction.
    const loop::Executor executor;
    store::OutboxStore& store;
    bus::Bus& bus;
    const RelayConfig config;
    metrics::Gauge& pending_gauge;

    // Thread: any.
    CommittedInbox inbox;

    // Touched only on the executor.
    std::deque<OutboxEvent> queue;                 // not yet published, in order
    std::map<std::uint64_t, OutboxEvent> refused;  // that the bus did not take, by sequence; all before the queue
    std::vector<std::uint64_t> acknowledged;       // rows to be removed
    std::uint64_t taken = 0;                       // every event up to this sequence is, or was, in one of these
    std::size_t in_flight = 0;
    std::size_t rows_being_removed = 0;
    std::size_t store_calls = 0;
    std::uint64_t pages_read = 0;
    bool started = false;
    bool stopping = false;
    bool behind = true;  // the store may hold events after `taken` that the listener will not bring
    bool reading = false;
    bool removing = false;
    bool removal_fails = false;
    bool backing_off = false;
    bool pumping = false;
    bool troubled = false;
    Backoff publish_backoff;
    Backoff store_backoff;
    boost::asio::steady_timer* stop_timer = nullptr;
};

// --- From commit to publish ------------------------------------------------------------------------------------------

void Relay::Impl::take_inbox() {
    auto [events, overflowed] = inbox.take();
    if (!started || behind) {
        pump();
        return;
    }
    if (overflowed || queue.size() + refused.size() + events.size() > config.memory_events_max) {
        // From here the pages of the store are the source, until they have caught up with the listener.
        behind = true;
        pages_read = 0;
        note_trouble("more events than fit into memory", std::to_string(queue.size() + refused.size()));
    } else {
        for (auto& event : events) {
            if (event.sequence <= taken) continue;
            taken = event.sequence;
            queue.push_back(std::move(event));
        }
    }
    pump();
}

/// Starts what can be started. Everything that changes the state ends by calling it.
void Relay::Impl::pump() {
    // A publish that ends at once comes back in here from within the loop below.
    if (pumping || !started || stopping) return;
    pumping = true;
    std::size_t begun = 0;
    while (in_flight < config.in_flight_max && acknowledged.size() < kAcknowledgedMax && !backing_off &&
           !(queue.empty() && refused.empty())) {
        if (begun++ == kPublishesPerTurn) {
            loop::post(executor, [self = shared_from_this()] { self->pump(); });
            break;
        }
        OutboxEvent event;
        if (!refused.empty()) {
            event = std::move(refused.extract(refused.begin()).mapped());
        } else {
            event = std::move(queue.front());
            queue.pop_front();
        }
        ++in_flight;
        loop::spawn(executor, publish_one(shared_from_this(), std::move(event)), "outbox publish");
    }
    pumping = false;
    if (behind && !reading && !backing_off && queue.size() < config.page_size) {
        reading = true;
        loop::spawn(executor, read_page(shared_from_this()), "outbox read");
    }
    if (troubled && !behind && !backing_off && !removal_fails && refused.empty()) {
        troubled = false;
        base::log_info("the outbox has caught up", {{"service", config.service}});
    }
    update_gauge();
}

loop::Task<void> Relay::Impl::publish_one(std::shared_ptr<Impl> self, OutboxEvent event) {
    base::Result<void> result = bus::errc::unavailable;
    try {
        auto publishing =
            self->bus.publish({event.subject, event.event_id.to_string(), event.payload, event.traceparent});
        result = co_await std::move(publishing);
    } catch (const std::exception& error) {
        base::log_error("publishing failed", {{"service", self->config.service}, {"error", error.what()}});
    }
    self->published(std::move(event), result);
}

void Relay::Impl::published(OutboxEvent event, const base::Result<void>& result) {
    --in_flight;
    if (result) {
        publish_backoff.reset();
        acknowledged.push_back(event.sequence);
        if (!removing) {
            removing = true;
            loop::spawn(executor, remove_acknowledged(shared_from_this()), "outbox remove");
        }
    } else {
        const auto sequence = event.sequence;
        refused.emplace(sequence, std::move(event));
        back_off(result.error());
    }
    pump();
    settle();
}

void Relay::Impl::back_off(const base::ErrorCode& error) {
    if (backing_off || stopping) return;
    backing_off = true;
    note_trouble("the bus takes no events", error.message());
    loop::spawn(executor, go_on_after(shared_from_this(), publish_backoff.next()), "outbox pause");
}

loop::Task<void> Relay::Impl::go_on_after(std::shared_ptr<Impl> self, std::chrono::milliseconds pause) {
    auto pausing = loop::sleep_for(pause);
    co_await std::move(pausing);
    self->backing_off = false;
    if (self->stopping) co_return;
    if (self->behind) {
        auto counting = count_rows(self);
        co_await std::move(counting);
    }
    self->pump();
}

// --- The store -------------------------------------------------------------------------------------------------------

loop::Task<void> Relay::Impl::read_page(std::shared_ptr<Impl> self) {
    if (self->pages_read++ % kPagesPerCount == 0) {
        auto counting = count_rows(self);
        co_await std::move(counting);
    }
    // Committed before the page is read: what is not on a last page is not there any more.
    const auto highest_before = self->inbox.highest();
    ++self->store_calls;
    auto fetching = self->store.pending(self->taken, self->config.page_size);
    auto page = co_await std::move(fetching);
    --self->store_calls;
    self->reading = false;
    if (!page) {
        self->note_trouble("the outbox cannot be read", page.error().message());
        if (!self->stopping && !self->backing_off) {
            self->backing_off = true;
            loop::spawn(self->executor, go_on_after(self, self->store_backoff.next()), "outbox pause");
        }
        self->settle();
        co_return;
    }
    self->store_backoff.reset();
    for (auto& event : *page) {
        self->taken = std::max(self->taken, event.sequence);
        self->queue.push_back(std::move(event));
    }
    if (page->size() < self->config.page_size) {
        self->taken = std::max(self->taken, highest_before);
        self->behind = self->inbox.highest() > self->taken;
    }
    self->pump();
    self->settle();
}

loop::Task<void> Relay::Impl::count_rows(std::shared_ptr<Impl> self) {
    ++self->store_calls;
    auto counting = self->store.pending_count();
    const auto count = co_await std::move(counting);
    --self->store_calls;
    if (count) self->pending_gauge.set(static_cast<double>(*count));
    self->settle();
}

loop::Task<void> Relay::Impl::remove_acknowledged(std::shared_ptr<Impl> self) {
    Backoff backoff{self->config.retry_pause_min, self->config.retry_pause_max};
    while (!self->acknowledged.empty()) {
        if (self->acknowledged.size() < self->config.remove_batch_max && !self->stopping) {
            auto lingering = loop::sleep_for(self->config.remove_linger);
            co_await std::move(lingering);
        }
        auto& rows = self->acknowledged;
        const auto count = static_cast<std::ptrdiff_t>(std::min(rows.size(), self->config.remove_batch_max));
        const std::vector<std::uint64_t> batch{rows.begin(), rows.begin() + count};
        rows.erase(rows.begin(), rows.begin() + count);
        self->rows_being_removed = batch.size();
        auto deleting = self->store.remove(batch);
        const auto removed = co_await std::move(deleting);
        self->rows_being_removed = 0;
        self->removal_fails = !removed;
        if (removed) {
            backoff.reset();
        } else {
            rows.insert(rows.begin(), batch.begin(), batch.end());
            self->note_trouble("rows cannot be removed from the outbox", removed.error().message());
            // They go out again after the restart, and are told apart by their ids.
            if (self->stopping) break;
            auto pausing = loop::sleep_for(backoff.next());
            co_await std::move(pausing);
        }
        self->pump();
    }
    self->removing = false;
    self->settle();
}

// --- State -----------------------------------------------------------------------------------------------------------

void Relay::Impl::note_trouble(std::string_view reason, std::string detail) {
    if (troubled || stopping) return;
    troubled = true;
    base::log_warn("the outbox is falling behind",
                   {{"service", config.service}, {"reason", reason}, {"detail", detail}});
}

void Relay::Impl::update_gauge() {
    // While behind, only the store knows how many there are.
    if (behind) return;
    pending_gauge.set(
        static_cast<double>(queue.size() + refused.size() + in_flight + acknowledged.size() + rows_being_removed));
}

void Relay::Impl::settle() {
    if (stop_timer != nullptr && settled()) stop_timer->cancel();
}

loop::Task<void> Relay::Impl::stop(std::shared_ptr<Impl> self, std::chrono::milliseconds deadline) {
    self->stopping = true;
    if (self->settled() || self->stop_timer != nullptr) co_return;
    boost::asio::steady_timer timer{self->executor, deadline};
    self->stop_timer = &timer;
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    self->stop_timer = nullptr;
}

Relay::Relay(loop::Executor executor, store::OutboxStore& store, bus::Bus& bus, metrics::Registry& metrics,
             RelayConfig config)
    : impl_{std::make_shared<Impl>(std::move(executor), store, bus, metrics, std::move(config))} {
    store.on_committed([weak = std::weak_ptr{impl_}](std::vector<OutboxEvent> events) {
        const auto impl = weak.lock();
        if (!impl || !impl->inbox.put(std::move(events))) return;
        loop::post(impl->executor, [weak] {
            if (const auto self = weak.lock()) self->take_inbox();
        });
    });
}

Relay::~Relay() {
    impl_->inbox.close();
}

void Relay::start() {
    loop::post(impl_->executor, [self = impl_] {
        self->started = true;
        self->pump();
    });
}

loop::Task<void> Relay::stop(std::chrono::milliseconds deadline) {
    auto stopping = Impl::stop(impl_, deadline);
    auto crossing = loop::run_on(impl_->executor, std::move(stopping));
    co_await std::move(crossing);
}

}  // namespace carillon::outbox
