#include "loadtest/session.hpp"

#include <algorithm>
#include <utility>

#include "contracts/socket_events.hpp"
#include "loadtest/payload_text.hpp"

namespace carillon::loadtest {
namespace {

using namespace std::chrono_literals;

constexpr auto kTurn = 1ms;
constexpr auto kStopWait = 2s;
constexpr std::uint64_t kSyncAck = 1;  ///< marks have even ids

std::uint64_t random_run() {
    std::uint64_t run = 0;
    base::random_bytes(&run, sizeof run);
    return run;
}

std::string hex16(std::uint64_t value) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kDigits[(value >> shift) & 0xF]);
    return text;
}

}  // namespace

Session::Session(const Plan& plan, const std::atomic<bool>& stop, std::function<void(const Sample&)> on_sample)
    : plan_{plan},
      stop_{stop},
      run_{random_run()},
      watch_{plan, reactor_},
      recorder_{result_, watch_},
      users_{make_user_tokens(plan, run_)},
      deliveries_{run_, plan.users},
      source_{make_source(plan, run_, reactor_, *this)},
      allowance_{plan.users, plan.message_rate},
      numbers_(plan.users),
      tabs_(plan.clients()),
      fleet_{plan, reactor_, *this, users_} {
    result_.run = hex16(run_);
    result_.started_at = base::system_clock().now();
    result_.clients = plan.clients();
    result_.server_names = watch_.names();
    recorder_.on_sample = std::move(on_sample);
    syncs_ = plan.sync;
}

Session::~Session() = default;

// --- The loop --------------------------------------------------------------------------------------------------------

bool Session::serve(base::SteadyTime deadline, const Condition& done) {
    for (;;) {
        const auto now = std::chrono::steady_clock::now();
        tick(now);
        if (done()) return true;
        if (stopped() || now >= deadline) return false;
        reactor_.turn(kTurn);
    }
}

void Session::tick(base::SteadyTime now) {
    fleet_.tick(now);
    source_->tick(now);
    watch_.tick(now);
    while (!due_syncs_.empty() && due_syncs_.top().when <= now) {
        SocketIoClient& client = *fleet_.all()[due_syncs_.top().index];
        due_syncs_.pop();
        if (client.listening && !tabs_[client.index].current) send_sync(client);
    }
    result_.connections = fleet_.counts();
    if (auto failure = source_->failure(); !failure.empty()) result_.stopped_by = std::move(failure);
    recorder_.tick(now, fleet_.ready());
}

bool Session::quiet() const {
    return source_->in_flight() == 0 && deliveries_.complete() && reads_.complete();
}

std::size_t Session::current() const {
    return current_;
}

// --- What scenarios do -----------------------------------------------------------------------------------------------

void Session::push(std::uint32_t user) {
    const auto now = std::chrono::steady_clock::now();
    TabSet owed;
    for (std::uint32_t tab = 0; tab < plan_.tabs; ++tab) {
        const SocketIoClient& client = fleet_.client(user, tab);
        // With a sync, whoever has listened once gets everything in the end.
        const bool due = syncs_.value_or(false) ? tabs_[client.index].joined : client.listening;
        if (due) owed.insert(tab);
    }
    if (!first_created_at_) first_created_at_ = now;
    const auto sequence = deliveries_.expect(user, std::move(owed), now);
    created_at_.push_back(now);
    source_->create(sequence, users_.users[user], ++numbers_[user], deliveries_.title(sequence));
}

bool Session::mark(SocketIoClient& client, base::NotificationId id) {
    const auto now = std::chrono::steady_clock::now();
    if (!client.listening || allowance_.earliest(client.user) > now) return false;
    TabSet owed;
    for (std::uint32_t tab = 0; tab < plan_.tabs; ++tab) {
        if (fleet_.client(client.user, tab).listening) owed.insert(tab);
    }
    const auto mark = reads_.expect(client.user, id, std::move(owed), now);
    if (!mark) return false;
    if (!first_mark_at_) first_mark_at_ = now;
    allowance_.take(client.user, now);
    recorder_.marked();
    client.emit(contracts::kNotificationReadEvent, contracts::encode_read_command({id}), (*mark + 1) * 2);
    return true;
}

void Session::leave_until(SocketIoClient& client, bool gently, base::SteadyTime back) {
    Tab& tab = tabs_[client.index];
    if (std::exchange(tab.current, false)) --current_;
    reads_.excuse(client.user, client.tab);
    if (!syncs_.value_or(false)) deliveries_.excuse(client.user, client.tab);
    if (gently) {
        fleet_.release(client);
    } else {
        fleet_.lose(client);
    }
    fleet_.want(client, back);
}

void Session::settle() {
    // A gateway that says the count does it as soon as the socket is in its registry.
    const auto now = std::chrono::steady_clock::now();
    if (!greets_) {
        serve(now + 1s, [this] { return greets_.has_value(); });
    }
    if (greets_.value_or(false)) {
        serve(now + plan_.grace, [this] { return current_ >= fleet_.ready(); });
    } else {
        greets_ = false;
        for (const auto& client : fleet_.all()) {
            if (client->ready()) begin_listening(*client);
        }
        serve(now + 1'500ms, [] { return false; });
    }
    if (!syncs_) probe_sync();
    result_.sync_used = syncs_.value_or(false);
}

void Session::probe_sync() {
    const auto& all = fleet_.all();
    const auto listener = std::find_if(all.begin(), all.end(), [](const auto& client) { return client->listening; });
    if (listener == all.end()) return;
    (*listener)->emit(contracts::kNotificationSyncEvent, contracts::encode_sync_command({0, 1}), kSyncAck);
    serve(std::chrono::steady_clock::now() + 2s, [this] { return syncs_.has_value(); });
    if (!syncs_) syncs_ = false;
}

Result Session::finish() {
    if (stop_) {
        // What is on its way when the user stops the run is neither delivered nor lost: it gets a moment to arrive.
        const auto deadline = std::chrono::steady_clock::now() + kStopWait;
        while (!quiet() && std::chrono::steady_clock::now() < deadline) {
            tick(std::chrono::steady_clock::now());
            reactor_.turn(kTurn);
        }
    }
    recorder_.end_phase();
    const auto now = std::chrono::steady_clock::now();
    recorder_.finish(now, fleet_.ready());
    result_.seconds = recorder_.seconds_since_start(now);
    result_.interrupted = stop_;
    result_.connections = fleet_.counts();
    result_.connect_latency = fleet_.connect_latency();
    result_.given_up = fleet_.given_up();
    result_.deliveries = deliveries_.counts();
    result_.reads = reads_.counts();
    result_.own_memory_kb = own_memory_kb();
    if (first_created_at_ && last_delivery_at_ > *first_created_at_) {
        result_.delivery_seconds = std::chrono::duration<double>(last_delivery_at_ - *first_created_at_).count();
    }
    if (first_mark_at_ && last_read_at_ > *first_mark_at_) {
        result_.read_seconds = std::chrono::duration<double>(last_read_at_ - *first_mark_at_).count();
    }
    for (const auto& client : fleet_.all()) fleet_.release(*client);
    return std::move(result_);
}

// --- From the source -------------------------------------------------------------------------------------------------

void Session::on_created(std::uint64_t sequence, base::SteadyTime now) {
    ++progress_;
    ++result_.created;
    result_.create_latency.add(now - created_at_[sequence]);
    recorder_.created();
}

void Session::on_create_failed(std::uint64_t sequence, std::string_view reason) {
    ++progress_;
    ++result_.create_failures[std::string{reason}];
    deliveries_.cancel(sequence);
}

}  // namespace carillon::loadtest
